import { isWildcard, partsOf, permissionCovers, permissionFault } from './permission.ts';

/** The permissions that a server knows by name, each with what it means to a person. */
export type Catalogue = ReadonlyMap<string, string>;

/** Whatever is said of a text that was sent is no longer than what could have been accepted. */
const SHOWN = 128;

/** A permission that cannot be asked for, and why. */
export interface InvalidPermission {
  readonly permission: string;
  readonly reason: string;
}

/** Those of the texts that are malformed, or that the catalogue does not know; each once, in the order given. */
export function invalidPermissions(
  catalogue: Catalogue,
  texts: readonly string[],
): readonly InvalidPermission[] {
  return [...new Set(texts)].flatMap((text) => {
    const reason = permissionFault(text)?.reason ?? unknownBecause(catalogue, text);
    return reason === undefined ? [] : [{ permission: text.slice(0, SHOWN), reason }];
  });
}

/** A wildcard is known when it covers anything that is. */
function unknownBecause(catalogue: Catalogue, text: string): string | undefined {
  if (catalogue.has(text)) return undefined;
  const names = [...catalogue.keys()];
  const known = names.some(
    (name) => permissionCovers(name, text) || (isWildcard(text) && permissionCovers(text, name)),
  );
  return known ? undefined : whatIsKnown(names.map(partsOf), partsOf(text));
}

/** Names the first component that is unknown, and what would be known there. */
function whatIsKnown(known: readonly (readonly string[])[], parts: readonly string[]): string {
  const [service, resource] = parts;
  const components = parts.length === 3 ? known.filter(({ length }) => length === 3) : [];
  if (components.length === 0) return 'is not in the catalogue of permissions';
  const ofService = components.filter(([first]) => first === service);
  if (ofService.length === 0) return `names an unknown service; known are ${listed(components, 0)}`;
  const ofResource = ofService.filter(([, second]) => second === resource);
  if (ofResource.length === 0) {
    return `names an unknown resource of ${service}; known are ${listed(ofService, 1)}`;
  }
  return `names an unknown action on ${service}:${resource}; known are ${listed(ofResource, 2)}`;
}

function listed(names: readonly (readonly string[])[], part: number): string {
  return [...new Set(names.map((parts) => parts[part]))].join(', ');
}

export interface ListedAction {
  readonly action: string;
  readonly permission: string;
  readonly description: string;
}

export interface ListedResource {
  readonly resource: string;
  /** Stands for all its actions. */
  readonly wildcard: string;
  readonly actions: readonly ListedAction[];
}

export interface ListedService {
  readonly service: string;
  /** Stands for everything of the service. */
  readonly wildcard: string;
  readonly resources: readonly ListedResource[];
}

export interface ListedCatalogue {
  readonly services: readonly ListedService[];
  /** Rights of other forms: flat names and those of two components. */
  readonly flat: readonly { readonly permission: string; readonly description: string }[];
}

/** The catalogue as people look through it: services, their resources, the actions on these. */
export function listCatalogue(catalogue: Catalogue): ListedCatalogue {
  const all = [...catalogue].map(([permission, description]) => {
    const [service = '', resource = '', action = '', ...more] = partsOf(permission);
    const isComponents = action !== '' && more.length === 0;
    return { service, resource, action, permission, description, isComponents };
  });
  const components = all.filter(({ isComponents }) => isComponents);
  return {
    services: [...Map.groupBy(components, ({ service }) => service)].map(([service, own]) => ({
      service,
      wildcard: `${service}:*:*`,
      resources: [...Map.groupBy(own, ({ resource }) => resource)].map(([resource, found]) => ({
        resource,
        wildcard: `${service}:${resource}:*`,
        actions: found.map(({ action, permission, description }) => ({ action, permission, description })),
      })),
    })),
    flat: all
      .filter(({ isComponents }) => !isComponents)
      .map(({ permission, description }) => ({ permission, description })),
  };
}
