import type { Adapter } from 'oidc-provider';
import { ArtifactAdapter } from './adapter.ts';
import { ClientAdapter } from './client-adapter.ts';
import type { EngineOptions } from './engine-options.ts';
import { TokenAdapter } from './token-adapter.ts';

const TOKEN_MODELS = new Set(['AccessToken', 'RefreshToken', 'ClientCredentials']);

/** Where each of the engine's models is kept: agents, tokens of tasks, everything else. */
export function adapters({ context, artifacts }: EngineOptions) {
  return (model: string): Adapter => {
    if (model === 'Client') return new ClientAdapter(context);
    if (TOKEN_MODELS.has(model)) return new TokenAdapter(model, context);
    return new ArtifactAdapter(model, { context, artifacts });
  };
}
