import type { Command } from 'commander';
import { unitOf } from '../app/audit/audit-trail.ts';
import { type DataOptions, withJson } from './options.ts';
import { json, line, table } from './print.ts';
import { keyRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('The keys that sign tokens.');
  withJson(keys.command('list'))
    .description('List the keys that are published, oldest first.')
    .action(inSession(list));
  withJson(keys.command('rotate'))
    .description('Publish a new signing key. Servers follow within seconds.')
    .addHelpText(
      'after',
      `
The new key signs after KEY_PUBLISH_AHEAD seconds, when every verifier that caches the key set has seen it. The old
key goes on verifying until the last token that it signed has expired.`,
    )
    .action(inSession(rotate));
}

async function list(session: Session, { json: asJson }: DataOptions): Promise<void> {
  const rows = await keyRows(session);
  if (asJson) json({ keys: rows });
  else table(rows, ['kid', 'algorithm', 'state', 'created_at', 'active_from', 'retires_at']);
}

async function rotate(session: Session, { json: asJson }: DataOptions): Promise<void> {
  const { context, keyring, caller } = session;
  const { kid, made } = await keyring.rotate(context.clock.now(), (kid) =>
    unitOf(context, caller, [], { type: 'signing_key_rotated', details: { kid } }),
  );
  const row = (await keyRows(session)).find((each) => each.kid === kid);
  if (asJson) json({ made, key: row });
  else
    line(`${made ? 'new key' : 'a new key waits already:'} ${kid}, signs from ${String(row?.active_from)}`);
}

async function keyRows({ store, keyring, context }: Session) {
  await keyring.refresh();
  const published = new Set(keyring.publicJwks().keys.map(({ kid }) => kid));
  const stored = (await store.keys.all()).filter(({ kid }) => published.has(kid));
  const signing = stored.length === 0 ? undefined : keyring.current().kid;
  const now = context.clock.now();
  return [...stored]
    .sort((a, b) => a.activeFrom - b.activeFrom)
    .map((key) =>
      keyRow(key, key.kid === signing ? 'signing' : key.activeFrom > now ? 'waiting' : 'verifying'),
    );
}
