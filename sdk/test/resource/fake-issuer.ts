import { exportJWK, generateKeyPair, type GenerateKeyPairResult, type JWK, SignJWT } from 'jose';
import type { FeedRow } from '../../src/resource/ledger.ts';

export const ISSUER = 'https://auth.example.com';
export const AUDIENCE = 'https://api.example.com';

/** An authorization server in memory whose network, keys and feed do what a test wants. */
export interface FakeIssuer {
  readonly fetch: typeof globalThis.fetch;
  /** Paths that were asked, in order, without the issuer and the query. */
  readonly asked: string[];
  /** Everything that was revoked. */
  readonly rows: FeedRow[];
  /** How requests are answered meanwhile: 'away' = not at all, a number = with that status. */
  mode: 'well' | 'away' | number;
  /** The same for streams alone; 'silent' = they open and say nothing. */
  streams: 'well' | 'silent' | number;
  keys: JWK[];
  /** What introspection says of every token. */
  introspected: Record<string, unknown>;
  revoke(kind: FeedRow[1], handle: string, epoch?: number): void;
  /** Says on every open stream what it likes to. */
  say(text: string): void;
  /** Cuts every open stream. */
  cut(): void;
  openStreams(): number;
}

export function fakeIssuer(): FakeIssuer {
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const utf8 = new TextEncoder();
  const head = () => issuer.rows.at(-1)?.[0] ?? 0;
  const say = (text: string) => {
    for (const stream of streams) stream.enqueue(utf8.encode(text));
  };
  const headText = () => `event: head\ndata: ${JSON.stringify({ head: head(), at: Date.now() })}\n\n`;

  const issuer: FakeIssuer = {
    asked: [],
    rows: [],
    mode: 'well',
    streams: 'well',
    keys: [],
    introspected: { active: false },
    say,
    openStreams: () => streams.size,
    revoke(kind, handle, epoch = 0) {
      issuer.rows.push([head() + 1, kind, handle, epoch]);
      say(
        `id: ${head()}\nevent: revocations\ndata: ${JSON.stringify(issuer.rows.slice(-1))}\n\n${headText()}`,
      );
    },
    cut() {
      for (const stream of streams) stream.error(new TypeError('terminated'));
      streams.clear();
    },
    fetch: async (input, init) => {
      const url = new URL(input);
      issuer.asked.push(url.pathname);
      await Promise.resolve();
      if (issuer.mode === 'away') throw new TypeError('fetch failed');
      if (typeof issuer.mode === 'number') return new Response('no', { status: issuer.mode });
      switch (url.pathname) {
        case '/api/oauth/jwks':
          return Response.json({ keys: issuer.keys });
        case '/api/oauth/introspect':
          return Response.json(issuer.introspected);
        case '/api/revocations':
          return Response.json(
            page(Number(url.searchParams.get('after')), Number(url.searchParams.get('limit'))),
          );
        case '/api/revocations/stream':
          return stream(Number(new Headers(init?.headers).get('last-event-id')), init?.signal);
        default:
          return new Response('unknown', { status: 404 });
      }
    },
  };
  return issuer;

  function page(after: number, limit: number) {
    const revocations = issuer.rows.filter(([seq]) => seq > after).slice(0, limit);
    return { revocations, next: revocations.at(-1)?.[0] ?? after, head: head(), at: Date.now() };
  }

  function stream(after: number, signal: AbortSignal | null | undefined): Response {
    if (typeof issuer.streams === 'number') return new Response('no', { status: issuer.streams });
    let own: ReadableStreamDefaultController<Uint8Array> | undefined;
    let beat: ReturnType<typeof setInterval> | undefined;
    const end = () => {
      clearInterval(beat);
      if (own) streams.delete(own);
    };
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        own = controller;
        if (issuer.streams === 'silent') return;
        const { revocations } = page(after, 1000);
        if (revocations.length > 0) {
          const data = JSON.stringify(revocations);
          controller.enqueue(utf8.encode(`id: ${head()}\nevent: revocations\ndata: ${data}\n\n`));
        }
        controller.enqueue(utf8.encode(headText()));
        streams.add(controller);
        beat = setInterval(() => {
          if (streams.has(controller)) controller.enqueue(utf8.encode(headText()));
        }, 50);
      },
      cancel: end,
    });
    signal?.addEventListener('abort', () => {
      own?.error(signal.reason);
      end();
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }
}

export type SigningPair = GenerateKeyPairResult & { readonly kid: string; readonly alg: string };

/** A pair of the issuer, shown by it. */
export async function newKey(issuer: FakeIssuer, kid: string, alg = 'ES256'): Promise<SigningPair> {
  const pair = await generateKeyPair(alg, { extractable: true });
  issuer.keys.push({ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' });
  return { ...pair, kid, alg };
}

let made = 0;

/** The claims of a token of a root task, as the server makes them. */
export function claimsOf(over: Record<string, unknown> = {}, task: Record<string, unknown> = {}) {
  made += 1;
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'agt_a',
    client_id: 'agt_a',
    iat: now,
    exp: now + 600,
    jti: `token-${made}`,
    scope: 'reports:read',
    txn: `task-${made}`,
    task: {
      id: `task-${made}`,
      handle: `handle-${made}`,
      grant: `grant-${made}`,
      epoch: 0,
      subject: { kind: 'agent', epoch: 0 },
      root: `task-${made}`,
      depth: 0,
      lineage: [],
      expires_at: now + 3600,
      ...task,
    },
    ...over,
  };
}

export function signed(
  { privateKey, kid, alg }: SigningPair,
  claims: Record<string, unknown> = claimsOf(),
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(privateKey);
}
