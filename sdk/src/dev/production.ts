// Developer tools: for Node.
import { TaskgrantError } from '../shared/errors.ts';

/** @throws TaskgrantError `unsupported` in production, where nothing of this part has any business. */
export function refuseProduction(what: string): void {
  if (process.env['NODE_ENV'] === 'production') {
    throw new TaskgrantError(
      'unsupported',
      `${what} is for development: it does not run with NODE_ENV=production`,
    );
  }
}
