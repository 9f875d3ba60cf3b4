import type { Context } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import { resolveAudiences } from '../app/resource-servers/audiences.ts';
import type { AppContext } from '../app/context.ts';
import { requireLiveParent } from '../app/issuance/parent-token.ts';
import { type ResolvedToken, resolveTokenId } from '../app/tokens/resolve-token.ts';
import { ceilingOf } from '../domain/agent.ts';
import { requireNames, requireOffered, requireWithinCeiling } from '../domain/ceiling.ts';
import { deriveChild } from '../domain/delegation.ts';
import { DomainError } from '../domain/errors.ts';
import { readFormText } from '../domain/form-text.ts';
import { IDENTITY_SCOPES, identityOf, rightsOf } from '../domain/identity-scope.ts';
import { requireNoParent } from '../domain/opening.ts';
import { atMost } from '../domain/policy/ruling.ts';
import { formatScope, parseScope } from '../domain/scope.ts';
import type { TaskRequest } from '../domain/task-request.ts';
import { isPairAllowed } from '../app/issuance/allowed-pair.ts';
import { requireAgent } from './clients.ts';
import { ownAuthority, requireAskable } from './authorization-policies.ts';
import { OAuthRefusal } from './errors.ts';
import { engineClient, engineParams, isPublicClient, spendDpopProof } from './internals.ts';
import { requestState } from './request-state.ts';
import { type ParsedTask, readTaskParameters, TASK_PARAMETERS } from './task-parameters.ts';

/** Stands in a pushed request where the parent token was: a reference, never the token itself. */
const PARENT_REFERENCE = 'urn:taskgrant:token-id:';

/** `parent_token` and `code_verifier` are taken at PAR only, and neither is ever stored (R9). */
const PUSHED_ONLY = ['parent_token', 'code_verifier'];

/**
 * The engine's `extraParams`: names that the authorization endpoint and PAR take beside the standard ones. The engine
 * calls the validators in order for every request, so the first one carries the whole check.
 */
export function taskExtraParams(context: AppContext) {
  const check = async (ctx: unknown) => checkAuthorizationRequest(context, ctx as Context);
  const names = [...TASK_PARAMETERS, ...PUSHED_ONLY];
  return Object.fromEntries(names.map((name, i) => [name, i === 0 ? check : null]));
}

/**
 * Everything that can be refused before a person is asked (R11). It is checked again at redemption.
 * @throws OAuthRefusal, InvalidTarget.
 */
async function checkAuthorizationRequest(context: AppContext, ctx: Context): Promise<void> {
  try {
    requireUtf8(ctx);
    const params = engineParams(ctx);
    const agent = await requireAgent(context, ctx);
    const parsed = readAuthorizationTask(context, ctx);
    const scope = parsed.request.scope && rightsOf(parsed.request.scope);
    // The engine has put the default in where none was named (resource-indicators.ts); identity alone has none.
    const audiences = await resolveAudiences(context, parsed.resources);
    const names = audiences.map(({ audience }) => audience);
    const request = { ...parsed.request, scope, audiences: names };
    requireWithinCeiling(ceilingOf(agent), request);
    if (scope?.length) requireOffered(audiences, scope);
    await checkTaskIdFree(context, request);
    const parent = await checkParent(context, ctx, request);
    const own = ownAuthority(agent, audiences);
    const authority = atMost({ ...parsed.request, audiences: names }, parent?.token ?? own);
    const { maxDepth } = request;
    await requireAskable(context, {
      agent,
      authority,
      parent,
      subject: parent?.task.subject ?? null,
      maxDepth,
    });
    // What the engine keeps from here on carries the registered spelling and an explicit scope.
    if (names.length > 0) params.resource = names.length === 1 ? names[0] : names;
    if (params.scope === undefined) params.scope = formatScope(own.scope) || undefined;
    if (params.scope === undefined)
      throw new DomainError('scope_exceeds_ceiling', 'scope is missing and the agent has no default scope');
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    requestState(ctx).refusal = error.details;
    throw new OAuthRefusal(error, 'authorization');
  }
}

/** What a browser brings; pushed requests were read before (engine-body.ts). @throws InvalidRequest */
function requireUtf8({ querystring }: Context): void {
  try {
    readFormText(querystring);
  } catch {
    throw new errors.InvalidRequest('the parameters are not in UTF-8');
  }
}

/** Reads the stored or incoming parameters of an authorization request. */
function readAuthorizationTask(context: AppContext, ctx: Context): ParsedTask {
  const { code_challenge: _own, code_challenge_method: _method, ...params } = engineParams(ctx);
  return readTaskParameters(params, {
    sha256: context.digests.sha256,
  });
}

/** An authorization that asks for nothing but identity gets a token for /userinfo only (R19). */
export function wantsIdentityOnly(scope: string | string[] | undefined): boolean {
  return typeof scope === 'string' && scope.split(' ').every((right) => IDENTITY_SCOPES.includes(right));
}

/** @throws DomainError `task_id_taken`. */
export async function checkTaskIdFree({ store }: AppContext, { taskId }: TaskRequest): Promise<void> {
  if (taskId !== undefined && (await store.tasks.byTaskId(taskId))) {
    throw new DomainError('task_id_taken', `task_id ${taskId} is taken`);
  }
}

/** R9: a parent token comes only through PAR, with the proof that its task asks for; agent subjects are refused. */
async function checkParent(
  context: AppContext,
  ctx: Context,
  request: TaskRequest,
): Promise<ResolvedToken | undefined> {
  const params = engineParams(ctx);
  const value = params.parent_token;
  if (value === undefined) requireNoParent(request);
  const pushed =
    (ctx as unknown as { oidc: { route: string } }).oidc.route === 'pushed_authorization_request';
  if (!pushed) {
    const stored = isReference(value) && hasPushedRequest(ctx);
    if ((value !== undefined && !stored) || params.code_verifier !== undefined) {
      throw new DomainError(
        'parent_invalid',
        'parent_token and code_verifier are accepted at the PAR endpoint only',
      );
    }
    return stored ? pushedParent(context, value) : undefined;
  }
  params.code_verifier = undefined;
  if (typeof value !== 'string') return undefined;
  const parent = await requireLiveParent(context, value);
  if (parent.task.subjectKind !== 'user') {
    throw new DomainError('subject_mismatch', 'the parent token does not act for a person');
  }
  // A child learns no more of the person than its parent (app/redeem-authorization.ts).
  const identity = typeof params.scope === 'string' ? identityOf(parseScope(params.scope)) : [];
  requireNames(parent.token.scope, identity, 'scope_not_subset', 'wider than the parent token');
  const client = engineClient(ctx);
  const agent = await requireAgent(context, ctx);
  const proof = await spendDpopProof(providerOf(ctx), ctx);
  deriveChild({
    request: {
      ...request,
      codeChallenge: String(params.code_challenge ?? ''),
      keyThumbprint: proof?.thumbprint,
    },
    parentToken: parent.token,
    parentTask: parent.task,
    agent,
    // What a person has lost is left out of what is offered for approval, instead of being refused here.
    subjectRights: undefined,
    publicClient: isPublicClient(client),
    pairAllowed: isPairAllowed(context, { step: 'authorize', agent, request, parent, child: agent.clientId }),
    limits: context.settings.limits,
    now: context.clock.now(),
  });
  params.parent_token = `${PARENT_REFERENCE}${parent.token.tokenId}`;
  return parent;
}

/** The parent that was checked when the request was pushed; whether it still lives is looked at when a person decides. */
async function pushedParent(context: AppContext, reference: string): Promise<ResolvedToken | undefined> {
  const tokenId = parentTokenId(reference);
  return tokenId === null ? undefined : resolveTokenId(context, tokenId);
}

function providerOf(ctx: Context) {
  return (ctx as unknown as { oidc: { provider: Provider } }).oidc.provider;
}

function hasPushedRequest(ctx: Context): boolean {
  return Boolean(
    (ctx as unknown as { oidc: { entities: Record<string, unknown> } }).oidc.entities
      .PushedAuthorizationRequest,
  );
}

function isReference(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(PARENT_REFERENCE);
}

/** The token_id behind a stored parent reference; null when the request has no parent. */
export function parentTokenId(value: unknown): string | null {
  return isReference(value) ? value.slice(PARENT_REFERENCE.length) : null;
}
