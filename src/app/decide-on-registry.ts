import { DomainError } from '../domain/errors.ts';
import type { AppContext } from './context.ts';
import { isDecidedAgain } from './idempotency/deferred-units.ts';
import { onRemembered } from './remembered-registry.ts';
import { REGISTRY_CHANGED } from './unit-of-work.ts';

/**
 * Decides on what is remembered of the registry, and once more on what is read when that has changed meanwhile: no
 * refusal is told, and nothing is committed, on a registry that is no longer current (ADR 16).
 */
export async function decideOnRegistry<T>(
  context: AppContext,
  decide: (context: AppContext) => Promise<T>,
): Promise<T> {
  if (isDecidedAgain()) return decide(context);
  const { registry } = context.store;
  const view = await registry.remembered();
  try {
    return await decide(onRemembered(context, view));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const current = await registry.isCurrent(view.version);
    if (current && error !== REGISTRY_CHANGED) throw error;
  }
  return decide(context);
}
