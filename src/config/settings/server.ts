import { z } from 'zod';
import { flag, oneOf, readFlag, setting, text, wholeNumber } from '../setting.ts';

/** Where the server listens, what it is called, and what it accepts. */
export const serverSettings = {
  env: setting(oneOf(['development', 'production', 'test']), {
    env: 'NODE_ENV',
    default: 'development',
    description: 'Mode. Selects `config/<mode>.json`; `production` refuses every development convenience.',
  }),
  port: setting(wholeNumber(0, 65_535), {
    env: 'PORT',
    default: 3000,
    description: 'TCP port; 0 takes a free one, and needs an issuer.',
  }),
  host: setting(text.optional(), {
    env: 'HOST',
    defaultText: '127.0.0.1; 0.0.0.0 in production',
    description: 'Address to listen on.',
  }),
  issuer: setting(text.optional(), {
    env: 'ISSUER',
    defaultText: 'http://localhost:PORT',
    description: 'Public URL of this server, as it stands in every token; https in production.',
  }),
  trustProxy: setting(
    z.union([flag, wholeNumber(1, 16)], { error: 'must be true, false or the number of proxies' }),
    {
      env: 'TRUST_PROXY',
      default: false,
      description:
        'Whether X-Forwarded-* headers are believed: the number of proxies in front, or true for any.',
      fromText: (value) => (/^\d+$/.test(value) ? Number(value) : readFlag(value)),
    },
  ),
  workers: setting(wholeNumber(1, 64), {
    env: 'WORKERS',
    unit: 'processes',
    default: 1,
    description: 'Server processes behind the one port; more than 1 needs PostgreSQL. `--workers` wins.',
  }),
  drain: z.strictObject({
    delay: setting(wholeNumber(0, 600), {
      env: 'DRAIN_DELAY',
      unit: 'seconds',
      default: 0,
      description: 'How long a server that is told to end goes on accepting, so that load balancers notice.',
    }),
    timeout: setting(wholeNumber(1, 3600), {
      env: 'DRAIN_TIMEOUT',
      unit: 'seconds',
      default: 10,
      description: 'How long requests in flight may take after that before they are cut.',
    }),
  }),
  rateLimits: setting(oneOf(['on', 'off']), {
    env: 'RATE_LIMITS',
    default: 'on',
    description: 'Rate limits; `off` is for benchmarks and refused in production.',
  }),
  requestBodyLimit: setting(wholeNumber(1024, 10_485_760), {
    env: 'REQUEST_BODY_LIMIT',
    unit: 'bytes',
    default: 65_536,
    description: 'Largest request body accepted; the OAuth endpoints take 57344 bytes at most.',
  }),
};
