import { unavailability } from '../../domain/unavailable.ts';
import type { Logger } from '../ports.ts';

/** Logs what went wrong beside the requests. Of an outage the store tells itself, once, so nothing is said of it here. */
export function reportFailure(
  log: Logger,
  message: string,
  error: unknown,
  fields: Record<string, unknown> = {},
): void {
  if (!unavailability(error)) log.error(message, { ...fields, error: String(error) });
}
