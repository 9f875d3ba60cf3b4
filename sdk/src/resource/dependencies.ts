import { isName, isRecord } from './access.ts';

/** The kinds of handle that one row of the server's ledger can end. */
export type HandleKind = 'token' | 'token_self' | 'task' | 'grant' | 'agent' | 'user';

/** One handle that a token depends on, as the ledger knows it. */
export interface Dependency {
  /** See `ledgerKey`. */
  readonly key: string;
  /** For agents and users the epoch under which the token was authorised: higher ones end it. Otherwise -1. */
  readonly epoch: number;
}

/** What stands for a handle in memory: kinds never collide. */
export function ledgerKey(kind: HandleKind, handle: string): string {
  return `${kind}:${handle}`;
}

/** Any row for other handles ends what depends on them. */
const ANY = -1;
const MOST_ANCESTORS = 64;

/**
 * Everything that can end a token, from its claims alone (docs/lineage.md): its own id, its task, its grant, its client,
 * its subject; and for each ancestor the task, the token `via`, the grant and the client.
 * @returns undefined when the claims do not name all of them: then only the server can tell.
 */
export function dependenciesOf(claims: Readonly<Record<string, unknown>>): readonly Dependency[] | undefined {
  const { jti, sub, client_id: clientId, task } = claims;
  if (!isRecord(task) || !isName(jti) || !isName(sub) || !isName(clientId)) return undefined;
  const { handle, grant, epoch, subject, lineage } = task;
  if (!isName(handle) || !isName(grant) || !isEpoch(epoch) || !isSubject(subject)) return undefined;
  if (!Array.isArray(lineage) || lineage.length > MOST_ANCESTORS) return undefined;
  const found = new Found();
  found.add('token', jti);
  found.add('token_self', jti);
  found.add('task', handle);
  found.add('grant', grant);
  found.add('agent', clientId, epoch);
  found.add(subject.kind, sub, subject.epoch);
  for (const ancestor of lineage as unknown[]) {
    if (!isAncestor(ancestor)) return undefined;
    found.add('task', ancestor.task);
    found.add('token', ancestor.via);
    found.add('grant', ancestor.grant);
    found.add('agent', ancestor.client, ancestor.epoch);
  }
  return found.all();
}

class Found {
  readonly #epochs = new Map<string, number>();

  /** INVARIANT: of two epochs the older one decides, because it dies first. */
  add(kind: HandleKind, handle: string, epoch = ANY): void {
    const key = ledgerKey(kind, handle);
    const known = this.#epochs.get(key);
    if (known === undefined || epoch < known) this.#epochs.set(key, epoch);
  }

  all(): readonly Dependency[] {
    return [...this.#epochs].map(([key, epoch]) => ({ key, epoch }));
  }
}

interface Ancestor {
  readonly task: string;
  readonly via: string;
  readonly client: string;
  readonly grant: string;
  readonly epoch: number;
}

function isAncestor(value: unknown): value is Ancestor {
  return (
    isRecord(value) &&
    isName(value['task']) &&
    isName(value['via']) &&
    isName(value['client']) &&
    isName(value['grant']) &&
    isEpoch(value['epoch'])
  );
}

function isSubject(value: unknown): value is { kind: 'agent' | 'user'; epoch: number } {
  return (
    isRecord(value) && (value['kind'] === 'agent' || value['kind'] === 'user') && isEpoch(value['epoch'])
  );
}

function isEpoch(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
