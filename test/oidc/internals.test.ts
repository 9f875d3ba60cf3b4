import { createRequire } from 'node:module';
import { afterEach, describe, expect, test } from '@jest/globals';
import getRawBody from 'raw-body';
import Provider, { errors } from 'oidc-provider';
// @ts-expect-error The engine publishes no types for its helpers.
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js';
import { ENGINE_READS, engineClient, offerBody, onceAuthenticated } from '../../src/oidc/internals.ts';
import { type Form, postForm } from '../support/requests.ts';
import { type BareEngine, CLIENT, HEADERS, oidcOf, startBareEngine } from './bare-engine.ts';

/** What src/oidc relies on in the engine beyond its documentation. A new version of it has to pass here first (R19). */
let engine: BareEngine | undefined;
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
});

async function bare(...options: Parameters<typeof startBareEngine>): Promise<BareEngine> {
  engine = await startBareEngine(...options);
  return engine;
}

const token = (form: Form, headers: Record<string, string> = HEADERS) =>
  postForm(engine as BareEngine, '/token', form, headers);

type Handler = (ctx: unknown) => Promise<void>;
function register(provider: Provider, name: string, handler: Handler, params: string[], repeated?: string[]) {
  provider.registerGrantType(name, handler, new Set(params), repeated && new Set(repeated));
}

describe('[R19] the engine', () => {
  test('reads as much of a body as internals.ts says, and refuses or ignores the rest', async () => {
    const { provider } = await bare({ client: { grant_types: ['g'] } });
    register(
      provider,
      'g',
      async (ctx) => void ((ctx as { body: unknown }).body = { last: oidcOf(ctx).params['last'] ?? null }),
      ['last'],
    );
    const { bytes, parameters } = ENGINE_READS;
    const junk = (count: number) => Array.from({ length: count }, () => '');
    const rest = 'grant_type=g&x=';
    expect((await token({ grant_type: 'g', x: 'x'.repeat(bytes - rest.length) })).status).toBe(200);
    const long = await token({ grant_type: 'g', x: 'x'.repeat(bytes - rest.length + 1) });
    expect(long.body).toMatchObject({ error_description: 'failed to parse the request body' });
    expect((await token({ grant_type: 'g', x: junk(parameters - 2), last: 'y' })).body).toEqual({
      last: 'y',
    });
    expect((await token({ grant_type: 'g', x: junk(parameters - 1), last: 'y' })).body).toEqual({
      last: null,
    });
  });

  test('is the very version that was looked into', () => {
    const { version } = createRequire(import.meta.url)('oidc-provider/package.json') as { version: string };
    expect(version).toBe('9.13.3');
  });

  test('has the helpers for DPoP where internals.ts imports them', () => {
    expect(validateDpop).toHaveLength(3);
    expect(checkDpopReplay).toHaveLength(4);
  });

  test('registers its own grants through the public method, from within its constructor', async () => {
    const names: string[] = [];
    class Listening extends Provider {
      override registerGrantType(name: string, ...rest: never[]): void {
        names.push(name);
        (super.registerGrantType as (...all: unknown[]) => void)(name, ...rest);
      }
    }
    await bare({ engine: Listening });
    expect(names).toContain('authorization_code');
  });

  test('a grant registered again replaces the first', async () => {
    const { provider } = await bare();
    register(
      provider,
      'authorization_code',
      async (ctx) => void ((ctx as { body: unknown }).body = { ours: true }),
      [],
    );
    expect((await token({ grant_type: 'authorization_code' })).body).toEqual({ ours: true });
  });

  test('says in these words that a client may not use a grant, and gets the code wrong', async () => {
    await bare({
      client: { grant_types: ['authorization_code'] },
      configuration: { features: { clientCredentials: { enabled: true } } },
    });
    const { status, body } = await token({ grant_type: 'client_credentials' });
    expect({ status, ...body }).toEqual({
      status: 400,
      error: 'invalid_request',
      error_description: 'requested grant type is not allowed for this client',
    });
  });

  test('hands a grant the client and its registered parameters, lists where repeated, others left out', async () => {
    const { provider } = await bare({ client: { grant_types: ['authorization_code', 'x:y'] } });
    let seen: unknown;
    const handler = async (ctx: unknown) => {
      const { client, params } = oidcOf(ctx);
      seen = { id: client.clientId, method: client.clientAuthMethod, params: { ...params } };
      (ctx as { body: unknown }).body = {};
    };
    register(provider, 'x:y', handler, ['one', 'many'], ['many']);
    await token({ grant_type: 'x:y', one: '1', many: ['a', 'b'], other: '2' });
    expect(seen).toEqual({
      id: CLIENT,
      method: 'client_secret_basic',
      params: expect.objectContaining({ one: '1', many: ['a', 'b'] }),
    });
    expect((seen as { params: object }).params).not.toHaveProperty('other');
    const twice = await token({ grant_type: 'x:y', one: ['1', '2'] });
    expect(twice.body).toMatchObject({ error: 'invalid_request' });
  });

  test('passes code and description of a custom error on, and nothing else of it', async () => {
    const { provider } = await bare({ client: { grant_types: ['authorization_code', 'x:y'] } });
    const refusal = Object.assign(new errors.CustomOIDCProviderError('invalid_grant', 'reason: why'), {
      extra: 1,
    });
    register(provider, 'x:y', () => Promise.reject(refusal), []);
    const { status, body } = await token({ grant_type: 'x:y' });
    expect({ status, ...body }).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: 'reason: why',
    });
  });

  test('waits for compareClientSecret of the client’s prototype', async () => {
    const { provider } = await bare({ client: { grant_types: ['authorization_code', 'x:y'] } });
    register(provider, 'x:y', async (ctx) => void ((ctx as { body: unknown }).body = {}), []);
    const asked: unknown[] = [];
    Object.assign(provider.Client.prototype, {
      async compareClientSecret(this: { clientId: string }, secret: unknown) {
        asked.push([this.clientId, secret]);
        return secret === 'the right one';
      },
    });
    const basic = (secret: string) => ({
      authorization: `Basic ${btoa(`${CLIENT}:${encodeURIComponent(secret)}`)}`,
    });
    expect((await token({ grant_type: 'x:y' }, basic('wrong'))).status).toBe(401);
    expect((await token({ grant_type: 'x:y' }, basic('the right one'))).status).toBe(200);
    expect(asked).toEqual([
      [CLIENT, 'wrong'],
      [CLIENT, 'the right one'],
    ]);
  });

  test('takes the step of onceAuthenticated where clients authenticate, after that and before the work', async () => {
    const { provider } = await bare({
      configuration: {
        features: {
          introspection: { enabled: true },
          revocation: { enabled: true },
          pushedAuthorizationRequests: { enabled: true },
        },
      },
    });
    const seen: string[] = [];
    onceAuthenticated(provider, async (ctx) => {
      seen.push(`${ctx.path} ${engineClient(ctx).clientId}`);
      throw Object.assign(new errors.CustomOIDCProviderError('invalid_request', 'too many'), {
        status: 429,
        statusCode: 429,
      });
    });
    const paths = ['/token', '/token/introspection', '/token/revocation', '/request'];
    for (const path of paths) {
      const wrong = { authorization: `Basic ${btoa(`${CLIENT}:wrong`)}` };
      expect((await postForm(engine as BareEngine, path, {}, wrong)).status).toBe(401);
      expect(seen).toEqual([]);
      const { status, body } = await postForm(engine as BareEngine, path, {}, HEADERS);
      expect({ status, ...body }).toEqual({
        status: 429,
        error: 'invalid_request',
        error_description: 'too many',
      });
      expect(seen.splice(0)).toEqual([`${path} ${CLIENT}`]);
    }
  });

  test('takes that step for one engine and not for another', async () => {
    const one = await startBareEngine({ client: { grant_types: ['authorization_code', 'x:y'] } });
    onceAuthenticated(one.provider, () => Promise.reject(new errors.InvalidRequest('not here')));
    await one.stop();
    const { provider } = await bare({ client: { grant_types: ['authorization_code', 'x:y'] } });
    register(provider, 'x:y', async (ctx) => void ((ctx as { body: unknown }).body = {}), []);
    expect((await token({ grant_type: 'x:y' })).status).toBe(200);
  });

  test('reads the body that offerBody puts in the place of one that was read before', async () => {
    const { provider } = await bare({
      client: { grant_types: ['authorization_code', 'x:y'] },
      before: async (ctx, next) => {
        await getRawBody(ctx.req);
        offerBody(ctx, 'grant_type=x%3Ay&one=offered', 'application/x-www-form-urlencoded');
        await next();
      },
    });
    register(provider, 'x:y', async (ctx) => void ((ctx as { body: unknown }).body = oidcOf(ctx).params), [
      'one',
    ]);
    const { body } = await postForm(engine as BareEngine, '/token', { one: 'sent' }, HEADERS);
    expect(body).toMatchObject({ one: 'offered' });
  });

  test('makes the context of the request available while it works', async () => {
    const { provider } = await bare({ client: { grant_types: ['authorization_code', 'x:y'] } });
    let same = false;
    const handler = async (ctx: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      same = (Provider.ctx as unknown as { req: unknown }).req === (ctx as { req: unknown }).req;
      (ctx as { body: unknown }).body = {};
    };
    register(provider, 'x:y', handler, []);
    await token({ grant_type: 'x:y' });
    expect(same).toBe(true);
    expect(Provider.ctx).toBeUndefined();
  });

  test('takes no client for one that may use authorization details, unless its defaults say so', async () => {
    const details = JSON.stringify([{ type: 'agent_task' }]);
    const richAuthorizationRequests = {
      enabled: true,
      types: { agent_task: { validate: () => undefined } },
      authorizationDetailsForGrantSource: () => undefined,
      authorizationDetailsForAccessToken: () => undefined,
      authorizationDetailsForIntrospection: () => undefined,
    };
    const ask = async (clientDefaults: object) => {
      const { provider, stop } = await startBareEngine({
        client: { grant_types: ['authorization_code', 'x:y'] },
        configuration: {
          clientDefaults,
          features: {
            richAuthorizationRequests,
            resourceIndicators: {
              enabled: true,
              defaultResource: () => ['https://a.example', 'https://b.example'],
            },
          },
        } as never,
      });
      const handler = async (ctx: unknown) => void ((ctx as { body: unknown }).body = oidcOf(ctx).params);
      register(provider, 'x:y', handler, ['authorization_details', 'resource']);
      const form = { grant_type: 'x:y', authorization_details: details };
      const { body } = await postForm({ issuer: provider.issuer }, '/token', form, HEADERS);
      await stop();
      return body;
    };
    expect((await ask({})).error).toBe('invalid_authorization_details');
    const allowed = await ask({ authorization_details_types: ['agent_task'] });
    // A default resource is written into the parameters: several are a list.
    expect(allowed.resource).toEqual(['https://a.example', 'https://b.example']);
  });
});
