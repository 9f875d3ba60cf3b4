import { readFileSync } from 'node:fs';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface DescribedOperation {
  readonly parameters?: readonly { readonly in?: string; readonly name?: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

/** A route as `docs/openapi.json` describes it. */
export interface Operation {
  readonly method: string;
  /** With `{name}` for its parameters. */
  readonly path: string;
  /** Names of the parameters of the query. */
  readonly query: readonly string[];
  /** Names of the members of the body; undefined when it takes none. */
  readonly members: readonly string[] | undefined;
}

/** Every route, aliases included, in the order of the description that the project keeps. */
export function describedOperations(): readonly Operation[] {
  const file = new URL('../../docs/openapi.json', import.meta.url);
  const { paths, components } = JSON.parse(readFileSync(file, 'utf8'));
  const resolve = (schema: Schema): Schema =>
    schema.$ref ? components.schemas[schema.$ref.split('/').at(-1) ?? ''] : schema;
  return Object.entries<Record<string, DescribedOperation>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
      const [content] = Object.values(requestBody?.content ?? {});
      return {
        method: method.toUpperCase(),
        path,
        query: parameters.flatMap(({ in: place, name }) => (place === 'query' && name ? [name] : [])),
        members: content && Object.keys(resolve(content.schema).properties ?? {}),
      };
    }),
  );
}
