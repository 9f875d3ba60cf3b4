import { z } from 'zod';
import { authoritySettings } from './settings/authority.ts';
import { limitSettings } from './settings/limits.ts';
import { revocationSettings } from './settings/revocations.ts';
import { secretSettings } from './settings/secrets.ts';
import { serverSettings } from './settings/server.ts';
import { storageSettings } from './settings/storage.ts';
import { webhookSettings } from './settings/webhooks.ts';

/** Every setting. Order here is the order of the documentation. */
export const configSchema = z.strictObject({
  ...serverSettings,
  ...storageSettings,
  ...secretSettings,
  ...authoritySettings,
  ...limitSettings,
  ...webhookSettings,
  ...revocationSettings,
});

/** Settings as declared, before derived values. */
export type Settings = z.infer<typeof configSchema>;
