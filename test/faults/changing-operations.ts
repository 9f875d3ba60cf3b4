import { describedOperations, type Operation } from '../support/described-operations.ts';
import { type Answer, send } from '../support/requests.ts';
import type { Scene } from '../support/scene-of-route.ts';
import type { TestServer } from '../support/server.ts';

/** Every route of our own that may change something, for `test.each`. */
export const CHANGING = describedOperations()
  .filter(({ method, path }) => method !== 'GET' && !/^\/(api\/oauth|interaction|docs)\b/.test(path))
  .map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

/** A request that is right in the scene, with these header fields. */
export function askIn(
  server: TestServer,
  { method, path, members }: Operation,
  scene: Scene,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const where = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => scene.path[name] ?? 'none');
  return send(server, where, {
    method,
    headers: { ...headers, ...(members ? { 'content-type': 'application/json' } : {}) },
    ...(members ? { body: JSON.stringify(scene.body) } : {}),
  });
}
