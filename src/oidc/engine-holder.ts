import type { Middleware } from 'koa';
import type { Provider } from 'oidc-provider';
import type { EngineOptions } from './engine-options.ts';
import { createEngine } from './provider.ts';

/** The engine of the moment. It keeps no state of its own, so a change of keys simply replaces it. */
export interface EngineHolder {
  middleware(): Middleware;
  provider(): Provider;
  /** Builds a new engine with the keys of now; requests in flight finish on the old one. */
  rebuild(): void;
}

export function createEngineHolder(
  options: Omit<EngineOptions, 'jwks'>,
  jwks: () => EngineOptions['jwks'],
): EngineHolder {
  let engine = createEngine({ ...options, jwks: jwks() });
  return {
    middleware: () => engine.middleware,
    provider: () => engine.provider,
    rebuild: () => {
      engine = createEngine({ ...options, jwks: jwks() });
    },
  };
}
