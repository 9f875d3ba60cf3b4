import type { Access } from './access.ts';
import type { RefusalReason } from './refusal.ts';

/** What is known of a presented token at this moment. */
export type Verdict =
  | {
      readonly is: 'live';
      readonly access: Access;
      /** The tools that were granted; undefined when the server says that the token is not live after all. */
      readonly tools: () => Promise<readonly string[] | undefined>;
    }
  | { readonly is: 'refused'; readonly reason: RefusalReason; readonly detail: string }
  | {
      readonly is: 'undecided';
      readonly reason: 'server_unavailable' | 'revocations_unknown';
      readonly retryAfterSeconds: number;
    };

/** One way to judge tokens. Never throws for what a client sent. */
export type Judge = (token: string) => Promise<Verdict>;

export type Refusal = Extract<Verdict, { is: 'refused' }>;

export const INVALID: Refusal = {
  is: 'refused',
  reason: 'token_invalid',
  detail: 'the access token is not one that is accepted here',
};
export const EXPIRED: Refusal = {
  is: 'refused',
  reason: 'token_expired',
  detail: 'the access token has expired',
};
export const REVOKED: Refusal = {
  is: 'refused',
  reason: 'token_revoked',
  detail: 'the access token, or something it rests on, was revoked',
};
export const NOT_LIVE: Refusal = {
  is: 'refused',
  reason: 'token_invalid',
  detail: 'the access token is not live, or not for this API',
};
