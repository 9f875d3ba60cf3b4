import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa, { type Context, type Middleware } from 'koa';
import compose from 'koa-compose';
import Provider, { type AdapterPayload, type Configuration } from 'oidc-provider';

/** What the engine asked an adapter for. */
export interface AdapterCall {
  readonly model: string;
  readonly method: 'find' | 'upsert' | 'consume' | 'destroy' | 'revokeByGrantId';
  readonly id: string;
}

export const CLIENT = 'client';
const SECRET = 'a-secret-of-the-only-client';
export const HEADERS = { authorization: `Basic ${Buffer.from(`${CLIENT}:${SECRET}`).toString('base64')}` };

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

/** oidc-provider itself, with nothing of ours around it: what contract tests look at. */
export interface BareEngine {
  readonly issuer: string;
  readonly provider: Provider;
  readonly calls: AdapterCall[];
  /** Records as the adapter holds them, by model and id. */
  readonly records: Map<string, AdapterPayload>;
  stop(): Promise<void>;
}

interface BareOptions {
  readonly configuration?: Partial<Configuration>;
  readonly client?: Record<string, unknown>;
  /** Runs before the engine sees a request. */
  readonly before?: Middleware;
  readonly engine?: typeof Provider;
}

export async function startBareEngine(options: BareOptions = {}): Promise<BareEngine> {
  const { configuration = {}, client = {}, before, engine: Engine = Provider } = options;
  const calls: AdapterCall[] = [];
  const records = new Map<string, AdapterPayload>();
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider = new Engine(issuer, {
    adapter: (model: string) => memoryAdapter(model, calls, records),
    clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        redirect_uris: ['https://client.example.com/callback'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'ES256',
        ...client,
      },
    ],
    jwks: { keys: [KEY] },
    cookies: { keys: ['a key for cookies'] },
    ttl: { Interaction: 60 },
    ...configuration,
    features: { devInteractions: { enabled: false }, ...configuration.features },
  });
  const app = new Koa();
  app.keys = ['a key for cookies'];
  if (before) app.use(before);
  app.use(compose(provider.middleware) as Middleware);
  http.on('request', app.callback());
  return {
    issuer,
    provider,
    calls,
    records,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function memoryAdapter(model: string, calls: AdapterCall[], records: Map<string, AdapterPayload>) {
  const key = (id: string) => `${model}:${id}`;
  const note = (method: AdapterCall['method'], id: string) => calls.push({ model, method, id });
  return {
    async find(id: string) {
      note('find', id);
      return records.get(key(id));
    },
    async upsert(id: string, payload: AdapterPayload) {
      note('upsert', id);
      records.set(key(id), payload);
    },
    async consume(id: string) {
      note('consume', id);
      records.set(key(id), { ...records.get(key(id)), consumed: 1 });
    },
    async destroy(id: string) {
      note('destroy', id);
      records.delete(key(id));
    },
    async revokeByGrantId(id: string) {
      note('revokeByGrantId', id);
    },
    async findByUid(uid: string) {
      return [...records.values()].find((record) => record.uid === uid);
    },
    async findByUserCode() {
      return undefined;
    },
  };
}

/** The engine's own part of a Koa context. */
export function oidcOf(ctx: unknown): {
  client: { clientId: string; clientAuthMethod?: string; grantTypeAllowed(type: string): boolean };
  params: Record<string, unknown>;
  route: string;
  entities: Record<string, unknown>;
} {
  return (ctx as Context & { oidc: ReturnType<typeof oidcOf> }).oidc;
}
