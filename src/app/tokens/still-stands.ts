import { DomainError } from '../../domain/errors.ts';
import type { Basis } from '../../domain/revocation.ts';
import type { Guard } from '../unit-of-work.ts';

const REVOKED = new DomainError('caller_revoked', 'the access token was revoked meanwhile');

/** What somebody does by a token is done only while that stands: it may be revoked before the commit. */
export function stillStands(token: Basis): readonly Guard[] {
  return [{ live: token, miss: REVOKED }];
}
