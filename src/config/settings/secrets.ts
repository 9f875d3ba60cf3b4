import { z } from 'zod';
import { isEmail } from '../../domain/email-address.ts';
import { isPassword, PASSWORD_LENGTH } from '../../domain/password.ts';
import { oneOf, setting, text, wholeNumber } from '../setting.ts';

/** Credentials, keys and how secrets are made and kept. */
export const secretSettings = {
  adminEmail: setting(text.refine(isEmail, { error: 'must be an e-mail address' }).optional(), {
    env: 'ADMIN_EMAIL',
    requiredInProduction: true,
    defaultText: 'generated and printed once in development',
    description: 'First administrator.',
  }),
  adminPassword: setting(
    text
      .refine(isPassword, {
        error: `must have ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters`,
      })
      .optional(),
    {
      env: 'ADMIN_PASSWORD',
      secret: true,
      requiredInProduction: true,
      defaultText: 'generated and printed once in development',
      description: `Password of the first administrator, ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters.`,
    },
  ),
  adminClientSecret: setting(text.min(32, { error: 'must have at least 32 characters' }).optional(), {
    env: 'ADMIN_CLIENT_SECRET',
    secret: true,
    requiredInProduction: true,
    defaultText: 'generated and printed once in development',
    description:
      'Secret of the built-in client `taskgrant-admin`, at least 32 characters. Others than letters, digits, `-`, `_`, ' +
      '`.` and `~` must be escaped in Basic credentials (RFC 6749, 2.3.1), which curl and many libraries do not do.',
  }),
  encryptionKey: setting(
    text.refine(is32Bytes, { error: 'must be 32 bytes in base64url (43 characters, no padding)' }).optional(),
    {
      env: 'ENCRYPTION_KEY',
      secret: true,
      requiredInProduction: true,
      defaultText: 'generated into DATA_DIR in development',
      description: 'Key that encrypts secrets at rest: 32 bytes in base64url.',
    },
  ),
  signing: z.strictObject({
    algorithm: setting(oneOf(['ES256', 'EdDSA', 'RS256']), {
      env: 'SIGNING_ALG',
      default: 'ES256',
      description: 'Algorithm of newly made signing keys.',
    }),
    publishAhead: setting(wholeNumber(0, 86_400), {
      env: 'KEY_PUBLISH_AHEAD',
      unit: 'seconds',
      default: 300,
      description: 'How long a new key is published before it signs: longer than verifiers cache the JWKS.',
    }),
  }),
  argon2: z.strictObject({
    memoryKiB: setting(wholeNumber(8192, 262_144), {
      unit: 'KiB',
      default: 19_456,
      description: 'Memory of one password hash (argon2id).',
    }),
    passes: setting(wholeNumber(1, 16), {
      unit: 'passes',
      default: 2,
      description: 'Passes of one password hash.',
    }),
    parallelism: setting(wholeNumber(1, 16), {
      unit: 'lanes',
      default: 1,
      description: 'Lanes of one password hash.',
    }),
  }),
};

function is32Bytes(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value) && Buffer.from(value, 'base64url').length === 32;
}
