/** What both forms of the entry give out: with and without AsyncLocalStorage. */
export type {
  AgentAuthCalls,
  PermissionList,
} from './agent-auth-calls.ts';
export type { AgentClient, AgentOptions, KeptTask, ParentToken } from './agent.ts';
export type { ApiKeyTerms, VerifiedAgent } from './api-key.ts';
export type { Authorization, AuthorizationOptions } from './authorization.ts';
export type { CallOptions } from './connection.ts';
export type { Agent } from './create-agent.ts';
export type {
  AgentRegistration,
  CreationOptions,
  RegisteredAgent,
  RegistrationCalls,
} from './registration.ts';
export type { Ended, HandOff, Task } from './task.ts';
export type { TaskFetchInit } from './task-fetch.ts';
export type { HandOffTerms, TaskOptions, TaskTerms } from './task-options.ts';
export type { TaskMember, TokenAnswer } from './token-answer.ts';
export type { Introspection, Revocation, TokenCalls, TokenRequest, Verification } from './token-calls.ts';
export type { Clock } from '../shared/clock.ts';
export { TaskgrantError } from '../shared/errors.ts';
export type { CryptoKeyPair, JsonWebKey } from '../shared/jwk.ts';
export type { PrivateKey } from '../shared/signing-key.ts';
