import { DomainError } from '../../domain/errors.ts';
import { type Dependency, endedBy } from '../../domain/revocation.ts';
import type { Artifact } from '../artifact.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findUser } from './find-user.ts';
import type { Page, Paged } from '../ports/page.ts';
import { revokeGrant } from '../tokens/revoke-grant.ts';

/** The engine's record of one approval; its id is the handle `grant` of everything that came of it (R3). */
const MODEL = 'Grant';

/**
 * Notes in the record of an approval on what everything that comes of it will stand besides the person. Its own task is
 * not there yet; whoever ends that takes the record.
 */
export function withFoundations(record: Artifact, foundations: readonly Dependency[]): Artifact {
  return { ...record, payload: { ...record.payload, foundations } };
}

/** What a person approved, once. `at` is milliseconds since the epoch. */
export interface Consent {
  readonly grant: string;
  readonly clientId: string;
  readonly at: number;
  /** Rights by audience. */
  readonly scopes: Readonly<Record<string, string>>;
}

/** The approvals of a person that have neither ended nor been withdrawn. */
export async function listConsents(
  context: AppContext,
  { userId, page }: { userId: string; page: Page },
): Promise<Paged<Consent>> {
  await findUser(context, userId);
  const found = await context.store.artifacts.ofAccount(MODEL, userId, page, (records) =>
    areStanding(context, records),
  );
  return { items: found.items.map(consentOf), next: found.next };
}

/** Neither the client nor, below another task, what that rests on has been cut off since; one query of the ledger. */
async function areStanding({ store }: AppContext, records: readonly Artifact[]): Promise<readonly boolean[]> {
  const foundations = records.map(foundationsOf);
  const ledger = await store.ledger.among(foundations.flat());
  return foundations.map((list) => endedBy(list, ledger) === undefined);
}

/** A server of the release before has not noted them. */
function foundationsOf({ payload }: Artifact): readonly Dependency[] {
  return (payload as { foundations?: readonly Dependency[] }).foundations ?? [];
}

/**
 * Withdraws one approval: its task, tokens and everything derived from them end at once (R3).
 * @throws DomainError `not_found` when the person gave no such approval.
 */
export async function withdrawConsent(
  context: AppContext,
  { caller, userId, grant, reason }: { caller: Caller; userId: string; grant: string; reason: string | null },
): Promise<Consent> {
  const found = await context.store.artifacts.find(MODEL, grant);
  const ended = new DomainError('not_found', 'there is no such consent');
  if (found?.accountId !== userId) throw ended;
  await revokeGrant(context, {
    caller,
    grant,
    reason,
    type: 'consent_revoked',
    userId,
    clientId: found.clientId,
    ended,
  });
  return consentOf(found);
}

function consentOf({ id, clientId, payload }: Artifact): Consent {
  const { iat, resources, openid } = payload as {
    iat?: number;
    resources?: Record<string, string>;
    openid?: { scope?: string };
  };
  return {
    grant: id,
    clientId: clientId ?? '',
    at: (iat ?? 0) * 1000,
    scopes: { ...resources, ...(openid?.scope ? { openid: openid.scope } : {}) },
  };
}
