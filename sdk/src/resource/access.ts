/** Who acts, outermost first (RFC 8693 §4.1). */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** The task that a token was issued for. */
export interface AccessTask {
  readonly id: string;
  /** Id of the root task: the same for everything below it. */
  readonly root: string;
  /** 0 for a root. */
  readonly depth: number;
  /** Undefined for a root. */
  readonly parentId: string | undefined;
  /** Public id of the token that the task was derived through; undefined for a root. */
  readonly parentTokenId: string | undefined;
  /** When the task ends at the latest, in seconds since the epoch. */
  readonly expiresAt: number | undefined;
}

/** What an accepted request may do, and on whose authority. The token itself is not part of it: it goes no further. */
export interface Access {
  /** Public id of the token (`jti`): for logs and for revoking it. */
  readonly tokenId: string;
  /** For whom: a person, or the agent itself. */
  readonly subject: string;
  /** The agent that calls. */
  readonly clientId: string;
  readonly audience: string;
  /** The rights of the token; wildcards among them. */
  readonly scope: readonly string[];
  /** When the token ends, in seconds since the epoch. */
  readonly expiresAt: number;
  readonly task: AccessTask;
  readonly actor: Actor | undefined;
  /** RFC 7638 thumbprint of the key that the token is bound to; undefined for a bearer token. */
  readonly keyThumbprint: string | undefined;
  /** The tools that were granted. Undefined where nobody asked: the JWT does not carry them. */
  readonly tools: readonly string[] | undefined;
  /** RFC 9396, as issued. */
  readonly authorizationDetails: readonly unknown[];
}

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads the claims of a JWT, or the members of an introspection answer: both have one shape.
 * @returns undefined when something that every access token of the server carries is missing or of another type.
 */
export function readAccess(members: Members): Access | undefined {
  const { jti, sub, client_id: clientId, aud, exp, scope = '', act } = members;
  const task = readTask(members['task']);
  const details = members['authorization_details'] ?? [];
  const thumbprint = readThumbprint(members['cnf']);
  if (!isName(jti) || !isName(sub) || !isName(clientId) || !isName(aud) || !isSeconds(exp)) return undefined;
  if (!task || typeof scope !== 'string' || !Array.isArray(details) || thumbprint === null) return undefined;
  if (act !== undefined && !isActor(act)) return undefined;
  return Object.freeze({
    tokenId: jti,
    subject: sub,
    clientId,
    audience: aud,
    scope: Object.freeze(scope.split(' ').filter((right) => right !== '')),
    expiresAt: exp,
    task,
    actor: act,
    keyThumbprint: thumbprint,
    tools: readTools(members['granted_tools']),
    authorizationDetails: Object.freeze(details as unknown[]),
  });
}

function readTask(value: unknown): AccessTask | undefined {
  if (!isRecord(value)) return undefined;
  const { id, root, depth, parent, lineage, expires_at: expiresAt } = value;
  if (!isName(id) || !isName(root) || !Number.isInteger(depth) || !Array.isArray(lineage)) return undefined;
  if (expiresAt !== undefined && !isSeconds(expiresAt)) return undefined;
  const last: unknown = lineage.at(-1);
  return Object.freeze({
    id,
    root,
    depth: depth as number,
    parentId: isRecord(parent) && isName(parent['id']) ? parent['id'] : undefined,
    parentTokenId: isRecord(last) && isName(last['via']) ? last['via'] : undefined,
    expiresAt,
  });
}

/** INVARIANT: a confirmation that is not understood never makes a bearer token of a bound one (RFC 7800 §3.1). */
function readThumbprint(cnf: unknown): string | undefined | null {
  if (cnf === undefined) return undefined;
  if (!isRecord(cnf) || !isName(cnf['jkt']) || Object.keys(cnf).length !== 1) return null;
  return cnf['jkt'];
}

function readTools(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((tool) => typeof tool === 'string')
    ? Object.freeze([...value])
    : undefined;
}

function isActor(value: unknown): value is Actor {
  return isRecord(value) && isName(value['sub']) && (value['act'] === undefined || isActor(value['act']));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
