import { DomainError } from '../../domain/errors.ts';
import type { Guard } from '../unit-of-work.ts';
import type { ResolvedToken } from './resolve-token.ts';

const REVOKED = new DomainError('caller_revoked', 'the access token was revoked meanwhile');
const EXPIRED = new DomainError('caller_revoked', 'the access token has expired meanwhile');

/** What somebody does by a token is done only while that stands: it may be revoked, or expire, before the commit. */
export function stillStands(found: ResolvedToken): readonly Guard[] {
  return [{ live: found, miss: REVOKED, until: { at: found.token.expiresAt, miss: EXPIRED } }];
}
