import { isName, isRecord } from './access.ts';

/** The kinds of handle that one row of the server's ledger can end. */
export type HandleKind = 'token' | 'token_self' | 'task' | 'grant' | 'agent' | 'user';

/** One handle that a token depends on, as the ledger knows it. */
export interface Dependency {
  readonly kind: HandleKind;
  readonly handle: string;
  /** For agents and users the epoch under which the token was authorised: higher ones end it. Otherwise -1. */
  readonly epoch: number;
}

/** Any row for other handles ends what depends on them. */
const ANY = -1;
const MOST_ANCESTORS = 64;

/**
 * Everything that can end a token, from its claims alone (docs/lineage.md): its own id, its task, its grant, its client,
 * its subject; and for each ancestor the task, the token `via`, the grant and the client.
 * One handle may come twice, with two epochs: whatever ends either ends the token.
 * @returns undefined when the claims do not name all of them: then only the server can tell.
 */
export function dependenciesOf(claims: Readonly<Record<string, unknown>>): readonly Dependency[] | undefined {
  const { jti, sub, client_id: clientId, task } = claims;
  if (!isRecord(task) || !isName(jti) || !isName(sub) || !isName(clientId)) return undefined;
  const { handle, grant, epoch, subject, lineage, via } = task;
  if (!isName(handle) || !isName(grant) || !isEpoch(epoch) || !isSubject(subject)) return undefined;
  if (!Array.isArray(lineage) || lineage.length > MOST_ANCESTORS) return undefined;
  const found: Dependency[] = [
    { kind: 'token', handle: jti, epoch: ANY },
    { kind: 'token_self', handle: jti, epoch: ANY },
    { kind: 'task', handle, epoch: ANY },
    { kind: 'grant', handle: grant, epoch: ANY },
    { kind: 'agent', handle: clientId, epoch },
    { kind: subject.kind, handle: sub, epoch: subject.epoch },
  ];
  // A hand-off token depends on the one that it was made from, too.
  if (via !== undefined) {
    if (!isName(via)) return undefined;
    found.push({ kind: 'token', handle: via, epoch: ANY });
  }
  for (const ancestor of lineage as unknown[]) {
    if (!isAncestor(ancestor)) return undefined;
    found.push(
      { kind: 'task', handle: ancestor.task, epoch: ANY },
      { kind: 'token', handle: ancestor.via, epoch: ANY },
      { kind: 'grant', handle: ancestor.grant, epoch: ANY },
      { kind: 'agent', handle: ancestor.client, epoch: ancestor.epoch },
    );
  }
  return found;
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
