import { TaskgrantError } from '../shared/errors.ts';
import type { Access } from './access.ts';

const accesses = new WeakMap<object, Access>();

/** Keeps what was accepted beside the objects that a framework gives to handlers; nothing is written into them. */
export function rememberAccess(access: Access, ...carriers: readonly object[]): void {
  for (const carrier of carriers) accesses.set(carrier, access);
}

/**
 * What the guard in front of a handler has accepted.
 * @param carrier Koa's and Hono's context, Express's and Fastify's request, Node's `IncomingMessage`, a Web `Request`
 * @throws TaskgrantError `not_protected` when no guard stands in front: a handler never runs unprotected by mistake
 */
export function accessOf(carrier: object): Access {
  const access = accesses.get(carrier);
  if (!access) throw new TaskgrantError('not_protected', 'no guard has accepted this request');
  return access;
}
