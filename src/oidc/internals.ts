// The only file that reaches into unversioned parts of oidc-provider. The version is pinned exactly and
// test/oidc/internals.test.ts pins every assumption made here.
import type { Context } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
// @ts-expect-error The engine publishes no types for its steps.
import authorizationSteps from 'oidc-provider/lib/actions/authorization/index.js';
// @ts-expect-error The engine publishes no types for its steps.
import introspectionSteps from 'oidc-provider/lib/actions/introspection.js';
// @ts-expect-error The engine publishes no types for its steps.
import revocationSteps from 'oidc-provider/lib/actions/revocation.js';
// @ts-expect-error The engine publishes no types for its steps.
import tokenSteps from 'oidc-provider/lib/actions/token.js';
// @ts-expect-error The engine publishes no types for its steps.
import userinfoSteps from 'oidc-provider/lib/actions/userinfo.js';
// @ts-expect-error The engine publishes no types for its helpers.
import validateDpopHelper, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js';

/** A verified DPoP proof (RFC 9449 §4.3): thumbprint is the RFC 7638 SHA-256 of its key. */
export interface DpopProof {
  readonly thumbprint: string;
  readonly jti: string;
  readonly iat: number;
}

/**
 * Validates the request's DPoP proof and spends its jti; undefined when none was sent.
 * @throws the engine's InvalidDpopProof or UseDpopNonce.
 */
export async function spendDpopProof(provider: Provider, ctx: Context): Promise<DpopProof | undefined> {
  const proof = (await validateDpopHelper(provider, ctx)) as DpopProof | undefined;
  if (proof) await checkDpopReplay(provider, ctx, proof, engineClient(ctx).clientId);
  return proof;
}

export interface EngineClient {
  readonly clientId: string;
  readonly clientAuthMethod?: string;
  readonly tokenEndpointAuthMethod?: string;
  readonly redirectUris?: readonly string[];
  readonly clientName?: string;
  readonly dpopBoundAccessTokens?: boolean;
  grantTypeAllowed(type: string): boolean;
}

export function engineClient(ctx: Context): EngineClient {
  return (ctx as unknown as KoaContextWithOIDC).oidc.client as unknown as EngineClient;
}

/** The parameters of the request as the engine read them: mutable, only registered names. */
export function engineParams(ctx: Context): Record<string, string | string[] | undefined> {
  return (ctx as unknown as KoaContextWithOIDC).oidc.params as Record<string, string | string[] | undefined>;
}

/** Public clients send nothing but their id (`none`); RFC 6749 §2.1. */
export function isPublicClient(client: EngineClient): boolean {
  return (client.clientAuthMethod ?? client.tokenEndpointAuthMethod) === 'none';
}

/**
 * Hands the engine a body that was read before it. The engine reads `ctx.req` itself; being given a parsed body makes
 * it complain on the console, so it gets a stream of the same bytes.
 */
export function offerBody(ctx: Context, text: string, type: string): void {
  const bytes = Buffer.from(text, 'utf8');
  ctx.req.headers['content-type'] = type;
  ctx.req.headers['content-length'] = String(bytes.length);
  delete ctx.req.headers['transfer-encoding'];
  Object.defineProperties(ctx.req, {
    readable: { value: true, configurable: true },
    readableEncoding: { value: null, configurable: true },
    iterator: {
      configurable: true,
      value: async function* body() {
        yield bytes;
      },
    },
  });
}

/**
 * How much of a body the engine reads. It refuses a longer one without saying why, and takes parameters beyond the last of
 * these for not sent: a scope, say, or the second one of a name.
 */
export const ENGINE_READS = { bytes: 56 * 1024, parameters: 1000 };

type Step = (ctx: Context, next: () => Promise<void>) => Promise<void>;

/** What an engine does as soon as it knows the client of a request. */
const afterAuthentication = new WeakMap<object, (ctx: Context) => Promise<void>>();

/**
 * Runs `step` at the token, introspection, revocation and PAR endpoints right after the client has authenticated
 * itself, and at /userinfo once the token's client is known; what it throws is answered as the engine answers its own
 * errors.
 */
export function onceAuthenticated(provider: Provider, step: (ctx: Context) => Promise<void>): void {
  afterAuthentication.set(provider, step);
}

const takeStep: Step = async (ctx, next) => {
  await afterAuthentication.get((ctx as unknown as KoaContextWithOIDC).oidc.provider)?.(ctx);
  await next();
};

/** An endpoint of the engine is a list of steps, of which every Provider takes a copy when it is made. */
function insertAfter(steps: Step[], name: string): void {
  const at = steps.findIndex((step) => step.name === name);
  if (at === -1) throw new Error(`the engine has no step ${name} any more`);
  steps.splice(at + 1, 0, takeStep);
}

for (const steps of [
  tokenSteps,
  introspectionSteps,
  revocationSteps,
  authorizationSteps('pushed_authorization_request'),
] as Step[][]) {
  insertAfter(steps, 'authenticateClient');
}
insertAfter(userinfoSteps as Step[], 'loadAccessTokenClient');
