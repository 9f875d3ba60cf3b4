import { utf8 } from '../shared/encoding.ts';
import { readKeyId } from './authorized-keys.ts';
import { digestMatches } from './content-digest.ts';
import { requiredComponents, SIGNATURE_TAG } from './coverage.ts';
import {
  fieldOf,
  isFetchRequest,
  type Message,
  type MessageHead,
  messageOf,
  receivedTarget,
} from './message.ts';
import { taskTokenOf } from './presented-task-token.ts';
import { checkLifetime, type ReceiverOptions, spendOnce } from './receiver.ts';
import { RequestRefused } from './refused.ts';
import { ALGORITHMS, type KeyAlgorithm } from './request-keys.ts';
import { namesOf, NoSuchComponent, signatureBase } from './signature-base.ts';
import { requireSigned, requireStillSigned } from './signed-by.ts';
import { type InnerList, isInnerList, NotStructured, parseDictionary } from './structured-fields.ts';
import type { VerifiedHead, VerifiedRequest } from './verified.ts';

/** Whose signatures are accepted, and what they must cover. */
export interface SignatureReceiverOptions extends ReceiverOptions {
  /** Fields that must be covered beside the ones that always are. */
  readonly components?: readonly string[] | undefined;
  /** Default `taskgrant`; signatures with another tag are not looked at. */
  readonly tag?: string | undefined;
}

const LONGEST_NONCE = 256;

/**
 * Checks a signed request (RFC 9421) and its body (RFC 9530), and uses it up.
 * @throws RequestRefused
 */
export async function verifyRequest(
  request: Request | Message,
  options: SignatureReceiverOptions,
): Promise<VerifiedRequest> {
  const message = isFetchRequest(request) ? await messageOf(request) : request;
  return (await verifySignature(message, options)).complete(message.body);
}

/**
 * Checks everything that stands in the head, in this order: that there is one signature and what it covers, its life,
 * its key, the signature itself. What is cheap comes first; nothing is stored.
 * @throws RequestRefused
 */
export async function verifySignature(
  head: MessageHead,
  options: SignatureReceiverOptions,
): Promise<VerifiedHead> {
  const { publicUrl, requireTaskToken = false, now = Date.now } = options;
  const { covered, signature } = strictly(() => readSignature(head, options.tag ?? SIGNATURE_TAG));
  strictly(() => requireCovered(covered, head, options.components));
  const { nonce, keyid, alg, ...life } = parametersOf(covered);
  if (nonce === undefined || keyid === undefined || alg === undefined)
    throw new RequestRefused('not_covered');
  const base = strictly(() => signatureBase(covered, head, receivedTarget(publicUrl, head.url)));
  const taskToken = taskTokenOf(head, { requireTaskToken, inAuthorization: true });
  const { from, until } = checkLifetime({ from: life.created, until: life.expires }, now);
  const named = readKeyId(keyid);
  if (!named || nonce === '' || nonce.length > LONGEST_NONCE) throw new RequestRefused('malformed');
  const { issuer, keyId } = named;
  const isFor = (algorithm: KeyAlgorithm) => ALGORITHMS[algorithm].signature === alg;
  const claim = { issuer, keyId, isFor, data: utf8(base), signature };
  const signer = await requireSigned(options, claim);
  const digest = fieldOf(head.headers, 'content-digest') ?? '';
  return {
    async complete(body) {
      if (!(await digestIsOf(digest, body))) throw new RequestRefused('body_changed');
      await requireStillSigned(options, claim, signer);
      await spendOnce(options, { profile: 'signature', issuer, id: nonce, until });
      return { issuer, keyId, profile: 'signature', id: nonce, issuedAt: from, expiresAt: until, taskToken };
    },
  };
}

/** The one signature with the tag. */
function readSignature(
  head: MessageHead,
  tag: string,
): { covered: InnerList; signature: Uint8Array<ArrayBuffer> } {
  const inputs = fieldOf(head.headers, 'signature-input');
  const signatures = fieldOf(head.headers, 'signature');
  if (inputs === undefined || signatures === undefined) throw new RequestRefused('signature_missing');
  const ours = [...parseDictionary(inputs)].filter(([, member]) => member.parameters.get('tag') === tag);
  const [[label, covered] = [], ...more] = ours;
  if (label === undefined || covered === undefined) throw new RequestRefused('signature_missing');
  const signature = parseDictionary(signatures).get(label);
  if (more.length > 0 || !isInnerList(covered)) throw new RequestRefused('malformed');
  if (!signature || isInnerList(signature) || !(signature.value instanceof Uint8Array)) {
    throw new RequestRefused('malformed');
  }
  return { covered, signature: signature.value };
}

function requireCovered(covered: InnerList, head: MessageHead, more: readonly string[] | undefined): void {
  const names = namesOf(covered);
  if (!requiredComponents(head, more).every((name) => names.includes(name)))
    throw new RequestRefused('not_covered');
}

function parametersOf({ parameters }: InnerList) {
  const text = (name: string) => {
    const value = parameters.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const created = parameters.get('created');
  const expires = parameters.get('expires');
  return { created, expires, nonce: text('nonce'), keyid: text('keyid'), alg: text('alg') };
}

async function digestIsOf(field: string, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    return await digestMatches(field, body);
  } catch (error) {
    if (error instanceof NotStructured) throw new RequestRefused('malformed', error);
    throw error;
  }
}

/** What cannot be read strictly is refused for that, whatever part found it. */
function strictly<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotStructured || error instanceof NoSuchComponent) {
      throw new RequestRefused('malformed', error);
    }
    throw error;
  }
}
