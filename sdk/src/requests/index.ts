export { type AuthorizedKeys, type GivenKey, keysGiven, keysOf } from './authorized-keys.ts';
export {
  type AgentKeyOptions,
  InterAgentAuth,
  type InterAgentClaims,
  type SharedSecretOptions,
} from './inter-agent-auth.ts';
export { InterAgentAuthError } from './inter-agent-error.ts';
export { type FetchedKeysOptions, keysFromJwks, keysOfAgents } from './keys-from-jwks.ts';
export { type Message, type MessageHead, TASK_TOKEN_FIELD } from './message.ts';
export {
  checkNodeRequest,
  expressSignature,
  type IncomingRequest,
  type KoaContextLike,
  koaSignature,
} from './node-guard.ts';
export type { Replays } from '../resource/replays.ts';
export { type RefusalAnswer, refusalAnswer, RequestRefused, type RequestRefusalReason } from './refused.ts';
export { type MemoryReplayOptions, requestReplaysInMemory } from './replays-in-memory.ts';
export {
  createReplayTable,
  type KnexLike,
  type KnexReplayOptions,
  replaysOnKnex,
} from './replays-on-knex.ts';
export {
  createRequestGuard,
  type PassedRequest,
  type RequestGuard,
  type RequestGuardOptions,
  type StoppedRequest,
} from './request-guard.ts';
export type { BoundKey, KeyAlgorithm, KeyMaterial } from './request-keys.ts';
export {
  createRequestToken,
  createRequestTokenSigner,
  type RequestTokenOptions,
  type RequestTokenSigner,
  type RequestTokenSubject,
  type SecureRequest,
  sendSecureRequest,
} from './request-token.ts';
export {
  createRequestSigner,
  type RequestSigner,
  type SignatureOptions,
  signedFetch,
  type SigningOptions,
  signRequest,
} from './sign-request.ts';
export { secretFromEnvironment, secretFromManager, type SecretSource } from './shared-secret.ts';
export type { VerifiedHead, VerifiedRequest } from './verified.ts';
export { type SignatureReceiverOptions, verifyRequest } from './verify-request.ts';
export { type TokenReceiverOptions, verifyRequestToken } from './verify-request-token.ts';
export { requireSignature, type SignedHandler } from './web-guard.ts';
