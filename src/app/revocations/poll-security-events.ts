import type { AppContext } from '../context.ts';
import type { LedgerFeed } from './ledger-feed.ts';
import { readRevocations } from './read-revocations.ts';
import { eventId, securityEvent } from './security-event.ts';

export interface PollCommand {
  /** The receiver: whose position it is, and `aud` of the tokens. */
  readonly clientId: string;
  /** Tokens at most; 0 = none, the request only acknowledges. */
  readonly maxEvents: number;
  /** How long to wait when there are none, in milliseconds. */
  readonly waitMs: number;
  /** `jti`s of tokens that need not be sent again: taken over, or not understood. */
  readonly settled: readonly string[];
  readonly signal: AbortSignal;
}

export interface PolledEvents {
  /** Security event tokens by their `jti`, in the order of the ledger. */
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable: boolean;
}

/**
 * RFC 8936: what was revoked after what the receiver has acknowledged, as signed security event tokens. Nothing is kept
 * but one position for each receiver: tokens are made of the rows whenever they are asked for.
 * @throws UnavailableError when the ledger cannot be read, or too many wait.
 */
export async function pollSecurityEvents(
  context: AppContext,
  feed: LedgerFeed,
  command: PollCommand,
): Promise<PolledEvents> {
  const { clock, store, settings } = context;
  const after = await acknowledge(context, command);
  const page = await readRevocations(
    { ledger: store.ledger, feed, clock },
    {
      clientId: command.clientId,
      after,
      limit: command.maxEvents,
      waitMs: command.maxEvents === 0 ? 0 : command.waitMs,
      signal: command.signal,
    },
  );
  const about = { issuer: settings.issuer, audience: command.clientId, now: clock.now() };
  const sets = await Promise.all(
    page.rows.map(
      async (row): Promise<[string, string]> => [
        eventId(row),
        await context.statements.sign('secevent+jwt', securityEvent(row, about)),
      ],
    ),
  );
  return { sets: Object.fromEntries(sets), moreAvailable: page.next < page.head };
}

/**
 * Moves the receiver's position over what it has settled. INVARIANT: never over a row that it has not: one that is
 * acknowledged before its predecessor is sent once more.
 * @returns the position.
 */
async function acknowledge(
  { store, clock }: AppContext,
  { clientId, settled }: PollCommand,
): Promise<number> {
  const position = await store.eventReceivers.position(clientId);
  if (settled.length === 0) return position;
  const ids = new Set(settled);
  const { rows } = await store.ledger.since(position, ids.size);
  const open = rows.findIndex((row) => !ids.has(eventId(row)));
  const done = rows[(open < 0 ? rows.length : open) - 1]?.seq ?? position;
  if (done > position) await store.eventReceivers.advance(clientId, done, clock.now());
  return done;
}
