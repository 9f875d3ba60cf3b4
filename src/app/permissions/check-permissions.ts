import { type InvalidPermission, invalidPermissions } from '../../domain/catalogue.ts';
import type { AppContext } from '../context.ts';
import { readCatalogue } from './catalogue.ts';

/**
 * What cannot be asked for: malformed, or unknown to the catalogue. Empty = all of them can. That something can be
 * asked for says nothing about whether it is granted.
 */
export async function checkPermissions(
  context: AppContext,
  permissions: readonly string[],
): Promise<readonly InvalidPermission[]> {
  return invalidPermissions(await readCatalogue(context), permissions);
}
