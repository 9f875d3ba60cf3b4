import type { Catalogue } from '../../domain/catalogue.ts';
import type { AppContext } from '../context.ts';

/** The permissions that this server knows: built in, of its configuration, and added by administrators. */
export async function readCatalogue({ settings, store }: AppContext): Promise<Catalogue> {
  const added = await store.permissions.all();
  return new Map([
    ...settings.catalogue,
    ...added.map(({ permission, description }) => [permission, description] as const),
  ]);
}
