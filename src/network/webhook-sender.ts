import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { WebhookAnswer, WebhookSender, WebhookTargets } from '../app/ports/webhooks.ts';
import { type AddressRule, addressesOf } from './public-address.ts';
import { untilAborted } from './until-aborted.ts';

export interface SenderParts {
  readonly targets: WebhookTargets;
  readonly allows: AddressRule;
  readonly timeoutMs: number;
  /** Takes secrets out of a text that will be stored. */
  readonly redact: (text: string) => string;
  /** How names are resolved; the system's way when absent. */
  readonly resolve?: typeof addressesOf;
}

const MOST_BYTES = 65_536;
const EXCERPT_BYTES = 4_096;
const EXCERPT_LENGTH = 1_024;
const MOST_HEADER_BYTES = 16_384;
const NO_ADDRESS = 'the host has no address that webhooks may go to';

/**
 * Posts to receivers that anybody may have named. INVARIANT: the addresses that were checked are those that are
 * connected to: names are resolved once, and the connection asks nobody again. Redirects are an answer like any other;
 * no proxy, no cookies, no connection is kept.
 */
export function createWebhookSender(parts: SenderParts): WebhookSender {
  const { targets, allows, timeoutMs, redact, resolve = addressesOf } = parts;
  return {
    async post(address, headers, body, ending) {
      const late = AbortSignal.timeout(timeoutMs);
      const signal = AbortSignal.any([ending, late]);
      try {
        const url = new URL(address);
        const problem = targets.problemOf(url);
        if (problem !== undefined) return unanswered(`the URL ${problem}`);
        const addresses = await untilAborted(signal, resolve(url.hostname)).catch(noAddress(signal));
        if (addresses.length === 0 || !addresses.every(allows)) return unanswered(NO_ADDRESS);
        return await exchange(url, { headers, body, addresses, signal, redact });
      } catch (error) {
        if (ending.aborted) return unanswered('the server ended during the attempt');
        if (late.aborted) return unanswered(`no complete answer within ${timeoutMs / 1000} seconds`);
        return unanswered(`could not be reached: ${codeOf(error)}`);
      }
    },
  };
}

interface Exchange {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  readonly redact: (text: string) => string;
}

async function exchange(
  url: URL,
  { headers, body, addresses, signal, redact }: Exchange,
): Promise<WebhookAnswer> {
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'Content-Length': Buffer.byteLength(body), 'Accept-Encoding': 'identity' },
    // One of its own: the global one may have a proxy, and keeps connections.
    agent: new Agent({ keepAlive: false }),
    lookup: pinned(addresses),
    maxHeaderSize: MOST_HEADER_BYTES,
    signal,
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(url, options, resolve);
    asked.on('error', reject);
    // After status 101 nothing else comes, and the signal has no effect any more.
    asked.on('close', () => reject(new Error('closed without an answer')));
    asked.end(body);
  });
  const text = await readSome(response);
  return {
    status: response.statusCode ?? null,
    excerpt: text === '' ? null : redact(text).slice(0, EXCERPT_LENGTH).toWellFormed(),
    retryAfterMs: retryAfter(response.headers['retry-after']),
    error: null,
  };
}

/** Answers what was resolved and checked before, whatever the name is or would resolve to now. */
function pinned(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, callback) => {
    const [first] = entries;
    if (all) callback(null, entries);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  };
}

/** The beginning of a body. What is longer than anybody needs is not read: the status has said it all. */
async function readSome(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (size < EXCERPT_BYTES) chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, EXCERPT_BYTES).toString('utf8');
}

/** RFC 9110 §10.2.3: seconds or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]+, .+ GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** A name that cannot be resolved and one that leads inside are told alike: nobody maps this network from outside. */
function noAddress(signal: AbortSignal) {
  return (error: unknown): readonly string[] => {
    if (signal.aborted) throw error;
    return [];
  };
}

function unanswered(error: string): WebhookAnswer {
  return { status: null, excerpt: null, retryAfterMs: undefined, error };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : 'the connection broke';
}
