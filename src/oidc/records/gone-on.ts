import { errors } from 'oidc-provider';
import { DomainError } from '../../domain/errors.ts';

/** Of several times that a browser comes back to one page, another one was first. */
export const LEFT_BEFORE = new DomainError('conflict', 'the browser has gone on from there before');

/** The same to the engine: told on a page, because the client hears of the first one. */
export function goneOn(): errors.SessionNotFound {
  return Object.assign(new errors.SessionNotFound(LEFT_BEFORE.message), { allow_redirect: false });
}
