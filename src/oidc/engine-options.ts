import type { AppContext } from '../app/context.ts';
import type { Artifacts } from '../app/ports/artifacts.ts';
import type { RateLimits } from '../app/limits/rate-limits.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import type { FetchForParty } from './fetch-for-asker.ts';

/** What the engine is built from. */
export interface EngineOptions {
  readonly context: AppContext;
  readonly artifacts: Artifacts;
  readonly refusals: RefusalRecorder;
  /** Absent = no limits. */
  readonly rateLimits?: RateLimits | undefined;
  /** Private JWKs for ID tokens, the signing one first. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
  readonly signingAlgorithm: 'ES256' | 'EdDSA' | 'RS256';
  readonly cookieKeys: readonly string[];
  /** 32 bytes. */
  readonly dpopNonceSecret: Buffer;
  /** Seconds. */
  readonly lifetimes: {
    readonly authorizationCode: number;
    readonly interaction: number;
    readonly session: number;
    readonly pushedRequest: number;
  };
  readonly scopes: readonly string[];
  /** Client ID Metadata Documents: a client names itself by an https URL. */
  readonly metadataDocuments: boolean;
  /** Fetches metadata documents and key sets, from public addresses alone. */
  readonly fetch: FetchForParty;
}
