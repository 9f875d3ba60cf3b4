import { generateKeyPairSync } from 'node:crypto';
import Provider, { type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider';

/**
 * The baseline: oidc-provider alone, as it comes, its records in memory. It knows no tasks, no lineage and no audit
 * trail, and forgets everything when it ends.
 */
const [port = '', audience = '', clientId = '', clientSecret = ''] = process.argv.slice(2);
const TOKEN_SECONDS = 600;

/** As fast as memory can be: the library's own adapter keeps a thousand records, which 10,000 tokens do not fit into. */
class MapAdapter implements Adapter {
  private readonly records = new Map<string, { payload: AdapterPayload; expiresAt: number }>();

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<undefined> {
    this.records.set(id, { payload, expiresAt: Date.now() + expiresIn * 1000 });
    return undefined;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const record = this.records.get(id);
    return record && record.expiresAt > Date.now() ? record.payload : undefined;
  }

  async destroy(id: string): Promise<undefined> {
    this.records.delete(id);
    return undefined;
  }

  async consume(id: string): Promise<undefined> {
    const record = this.records.get(id);
    if (record) record.payload.consumed = Math.floor(Date.now() / 1000);
    return undefined;
  }

  async findByUid(): Promise<undefined> {
    return undefined;
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async revokeByGrantId(): Promise<undefined> {
    return undefined;
  }

  /** Records of one kind live equally long, so the oldest come first. */
  removeExpired(): void {
    const now = Date.now();
    for (const [id, { expiresAt }] of this.records) {
      if (expiresAt > now) return;
      this.records.delete(id);
    }
  }
}

const adapters = new Map<string, MapAdapter>();
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const configuration: Configuration = {
  adapter: (name: string) => {
    const adapter = new MapAdapter();
    adapters.set(name, adapter);
    return adapter;
  },
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: {
    keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }],
  },
  scopes: ['example:read'],
  ttl: { ClientCredentials: TOKEN_SECONDS },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'example:read',
        audience,
        accessTokenTTL: TOKEN_SECONDS,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};

const provider = new Provider(`http://127.0.0.1:${port}`, configuration);
setInterval(() => {
  for (const adapter of adapters.values()) adapter.removeExpired();
}, 10_000);
const server = provider.listen(Number(port), '127.0.0.1');
server.keepAliveTimeout = 65_000;
process.on('SIGTERM', () => process.exit());
