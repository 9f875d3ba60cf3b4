import { Problem } from '../problem.ts';
import type { RequestMiddleware } from '../state.ts';

/** Spellings that another layer could read as a different path than we do. */
const AMBIGUOUS = /\/\/|\\|\/\.{1,2}(\/|$)|%(2e|5c|00)/i;

/**
 * Refuses double slashes, dot segments, backslashes and undecodable escapes before anything decides by path; a
 * trailing slash is refused wherever data is served. What remains is matched by case and letter, undecoded: an
 * encoded slash can stand only within a parameter, where client ids that are URLs need it.
 */
export function canonicalPath(): RequestMiddleware {
  return (ctx, next) => {
    const { path } = ctx;
    const trailing = path.length > 1 && path.endsWith('/') && !isPage(path);
    if (AMBIGUOUS.test(path) || trailing || !isDecodable(path)) {
      throw new Problem(404, 'not_found', 'there is nothing at this path');
    }
    return next();
  };
}

function isPage(path: string): boolean {
  return /^\/(console|docs)\//.test(path);
}

function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
