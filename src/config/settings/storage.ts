import { z } from 'zod';
import { flag, oneOf, setting, text, wholeNumber } from '../setting.ts';

/** As the driver reads it, which takes a user without a host for one of a local socket. */
function isReadable(url: string): boolean {
  return URL.canParse(url) || URL.canParse(url.replace('@/', '@socket/'));
}

/** Database, files and logs. */
export const storageSettings = {
  databaseUrl: setting(
    text
      .regex(/^postgres(ql)?:\/\/./, { error: 'must be a postgres:// URL', abort: true })
      .refine(isReadable, {
        error:
          'must be a URL: in a user name and a password, # / ? @ : and % are written as %23 %2F %3F %40 %3A and %25',
      })
      .optional(),
    {
      env: 'DATABASE_URL',
      secret: true,
      defaultText: 'embedded database in DATA_DIR',
      description: 'PostgreSQL to use, as a postgres:// URL; several servers may share one.',
    },
  ),
  databasePool: z.strictObject({
    max: setting(wholeNumber(1, 500), {
      env: 'DATABASE_POOL_MAX',
      unit: 'connections',
      default: 10,
      description: 'Most PostgreSQL connections that one server process opens.',
    }),
  }),
  databaseTimeout: setting(wholeNumber(500, 600_000), {
    env: 'DATABASE_TIMEOUT',
    unit: 'milliseconds',
    default: 5000,
    description:
      'How long one read or write of a request may wait for the database; then the answer is 503. A statement, and the wait for a lock or a connection, get three tenths of it. Migrations take their time.',
  }),
  dataDir: setting(text, {
    env: 'DATA_DIR',
    default: './data',
    description: 'Directory of the embedded database and generated keys.',
  }),
  logDir: setting(text, {
    env: 'LOG_DIR',
    default: './logs',
    description: 'Directory of the log files, of one server alone; each worker has its own below it.',
  }),
  logLevel: setting(oneOf(['error', 'warn', 'info', 'debug']), {
    env: 'LOG_LEVEL',
    default: 'info',
    description: 'Least important level that is logged.',
  }),
  logRotation: z.strictObject({
    maxSize: setting(
      z
        .string({ error: 'must be a size such as "20m"' })
        .regex(/^[1-9]\d{0,5}[kmg]$/i, { error: 'must be a size such as "500k", "20m" or "1g"' }),
      {
        env: 'LOG_MAX_SIZE',
        unit: 'bytes with k, m or g',
        default: '20m',
        description:
          'Size at which a log file is put aside and a new one begun; also done at each midnight, UTC.',
      },
    ),
    maxDays: setting(wholeNumber(1, 3650), {
      env: 'LOG_MAX_DAYS',
      unit: 'days',
      default: 14,
      description: 'Age at which log files that were put aside are deleted.',
    }),
    compress: setting(flag, {
      env: 'LOG_COMPRESS',
      default: true,
      description: 'Whether log files put aside are gzipped.',
    }),
  }),
};
