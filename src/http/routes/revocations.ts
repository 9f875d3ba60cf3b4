import { Readable } from 'node:stream';
import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import type { LedgerRow } from '../../app/ports/ledger.ts';
import { type FeedEvent, followRevocations } from '../../app/revocations/follow-revocations.ts';
import type { LedgerFeed } from '../../app/revocations/ledger-feed.ts';
import { readRevocations } from '../../app/revocations/read-revocations.ts';
import type { HandleKind } from '../../domain/revocation.ts';
import type { FollowerCaller } from '../caller.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { eventStream, type ServerSentEvent } from '../event-stream.ts';
import { wholeNumber } from '../fields.ts';
import { Problem } from '../problem.ts';
import { untilGone } from '../until-gone.ts';
import type { RequestContext } from '../state.ts';

const tags = ['Revocations'];
const MOST_ROWS = 10_000;
const LONGEST_WAIT_SECONDS = 25;
/** Credentials are looked at again by then: whoever follows connects once more. */
const LONGEST_STREAM_MS = 900_000;

const place = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const after = place
  .default(0)
  .meta({ description: 'Sequence number of the last row that is known; 0 = none.' });

const Row = z
  .tuple([z.int(), z.enum(['token', 'token_self', 'task', 'grant', 'agent', 'user']), z.string(), z.int()])
  .meta({ description: 'Sequence number, kind of handle, handle, and for agents and users the new epoch.' });

const read = contract({
  method: 'get',
  path: '/api/revocations',
  access: 'follower',
  summary: 'What was revoked, in its order.',
  description:
    'From 0 until next equals head it is all that can still matter. With wait a request that finds nothing new is held.',
  tags,
  query: z.strictObject({
    after,
    limit: wholeNumber(1, MOST_ROWS).default(1000),
    wait: wholeNumber(0, LONGEST_WAIT_SECONDS).default(0).meta({ description: 'Seconds.' }),
  }),
  returns: {
    status: 200,
    body: z.object({
      revocations: z.array(Row),
      next: z.int().meta({ description: 'The `after` of the next request.' }),
      head: z.int().meta({ description: 'The last row that there is.' }),
      at: z.int().meta({ description: 'When the ledger was read: milliseconds since the epoch.' }),
    }),
  },
});

const stream = contract({
  method: 'get',
  path: '/api/revocations/stream',
  access: 'follower',
  summary: 'What was revoked and is being revoked, as server-sent events.',
  description:
    'Goes on after Last-Event-ID. `revocations` has a list of rows, `head` comes at least every second while the server ' +
    'can read the ledger, `reset` means that what was known is of another ledger.',
  tags,
  query: z.strictObject({ after }),
  headers: z.object({ 'Last-Event-ID': z.string().optional() }),
  returns: {
    status: 200,
    type: 'text/event-stream',
    body: z.custom<Readable>((value) => value instanceof Readable).meta({ type: 'string' }),
  },
});

/** What resource servers follow to check tokens offline. */
export function revocationRoutes(context: AppContext, feed: LedgerFeed): BoundRoute[] {
  const { clock } = context;
  const { ledger } = context.store;
  return [
    route(read, async ({ query, caller, ctx }) => {
      const page = await readRevocations(
        { ledger, clock, feed },
        {
          clientId: caller.actor,
          after: query.after,
          limit: query.limit,
          waitMs: query.wait * 1000,
          signal: untilGone(ctx),
        },
      );
      return { revocations: page.rows.map(rowOf), next: page.next, head: page.head, at: page.at };
    }),
    route(stream, ({ query, caller, ctx }) => follow(caller, ctx, lastEventId(ctx) ?? query.after)),
  ];

  function follow(caller: FollowerCaller, ctx: RequestContext, from: number): Readable {
    // A look at the headers takes no place.
    if (ctx.method === 'HEAD') return Readable.from([]);
    const follower = feed.join(caller.actor);
    const gone = untilGone(ctx);
    gone.addEventListener('abort', () => follower.leave(), { once: true });
    if (gone.aborted) follower.leave();
    const expires = caller.bearer?.token.expiresAt ?? Number.POSITIVE_INFINITY;
    const { dependencies } = caller;
    const until = Math.min(clock.now() + LONGEST_STREAM_MS, expires);
    const events = followRevocations({ ledger, clock }, { follower, after: from, dependencies, until });
    // nginx would wait until a few kilobytes are there.
    ctx.set('X-Accel-Buffering', 'no');
    return eventStream(leaving(follower, serverSent(events)));
  }
}

/** @throws Problem 400 for an id that was never sent. */
function lastEventId(ctx: RequestContext): number | undefined {
  const sent = ctx.get('Last-Event-ID');
  if (sent === '') return undefined;
  const id = place.safeParse(sent);
  if (id.success) return id.data;
  throw new Problem(400, 'request_invalid', 'Last-Event-ID is none of this stream');
}

async function* leaving<T>(follower: { leave(): void }, events: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* events;
  } finally {
    follower.leave();
  }
}

async function* serverSent(events: AsyncIterable<FeedEvent>): AsyncGenerator<ServerSentEvent> {
  for await (const event of events) yield eventOf(event);
}

function eventOf(event: FeedEvent): ServerSentEvent {
  switch (event.kind) {
    case 'rows':
      return { id: event.rows.at(-1)?.seq ?? 0, event: 'revocations', data: textOf(event.rows) };
    case 'head':
      return { event: 'head', data: JSON.stringify({ head: event.head, at: event.at }) };
    case 'reset':
      return { id: 0, event: 'reset', data: '{}' };
  }
}

const texts = new WeakMap<readonly LedgerRow[], string>();

/** Followers who are told the same rows share their text. */
function textOf(rows: readonly LedgerRow[]): string {
  const known = texts.get(rows);
  if (known !== undefined) return known;
  const text = JSON.stringify(rows.map(rowOf));
  texts.set(rows, text);
  return text;
}

function rowOf({ seq, kind, handle, epoch }: LedgerRow): [number, HandleKind, string, number] {
  return [seq, kind, handle, epoch];
}
