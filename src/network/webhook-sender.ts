import type { IncomingMessage } from 'node:http';
import type { WebhookAnswer, WebhookSender, WebhookTargets } from '../app/ports/webhooks.ts';
import type { NameLookups } from './name-lookups.ts';
import { pinnedRequest } from './pinned-request.ts';
import type { AddressRule } from './public-address.ts';

export interface SenderParts {
  readonly targets: WebhookTargets;
  readonly allows: AddressRule;
  readonly timeoutMs: number;
  /** Takes secrets out of a text that will be stored. */
  readonly redact: (text: string) => string;
  readonly lookups: NameLookups;
}

const MOST_BYTES = 65_536;
const EXCERPT_BYTES = 4_096;
const EXCERPT_LENGTH = 1_024;
const NO_ADDRESS = 'the host has no address that webhooks may go to';

/** Posts to receivers that anybody may have named. INVARIANT: the addresses that were checked are those connected to. */
export function createWebhookSender(parts: SenderParts): WebhookSender {
  const { targets, allows, timeoutMs, redact, lookups } = parts;
  return {
    async post({ party, url: address, headers, body }, ending) {
      const late = AbortSignal.timeout(timeoutMs);
      const signal = AbortSignal.any([ending, late]);
      try {
        const url = new URL(address);
        const problem = targets.problemOf(url);
        if (problem !== undefined) return unanswered(`the URL ${problem}`);
        const addresses = await lookups.addressesOf(url.hostname, { party, signal }).catch(noAddress(signal));
        if (addresses.length === 0 || !addresses.every(allows)) return unanswered(NO_ADDRESS);
        return await answerOf(
          await pinnedRequest(url, { method: 'POST', headers, body, addresses, signal }),
          redact,
        );
      } catch (error) {
        if (ending.aborted) return unanswered('the server ended during the attempt');
        if (late.aborted) return unanswered(`no complete answer within ${timeoutMs / 1000} seconds`);
        return unanswered(`could not be reached: ${codeOf(error)}`);
      }
    },
  };
}

async function answerOf(response: IncomingMessage, redact: SenderParts['redact']): Promise<WebhookAnswer> {
  const text = await readSome(response);
  return {
    status: response.statusCode ?? null,
    excerpt: text === '' ? null : redact(text).slice(0, EXCERPT_LENGTH).toWellFormed(),
    retryAfterMs: retryAfter(response.headers['retry-after']),
    error: null,
  };
}

/**
 * The beginning of a body. What is longer than anybody needs is not read: the status has said it all. What counts is what
 * the connection brought, because a body may come in pieces of one byte, each of which costs as much as a large one.
 */
async function readSome(response: IncomingMessage): Promise<string> {
  const { socket } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (size < EXCERPT_BYTES) chunks.push(chunk);
    size += chunk.length;
    if (socket.bytesRead > MOST_BYTES) break;
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
