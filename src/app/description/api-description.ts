export type Json = Readonly<Record<string, unknown>>;

/**
 * A part of the API in the words of OpenAPI 3.1: operations by path (with `{parameters}`) and method, and the schemas
 * that they refer to as `#/components/schemas/<name>`.
 */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly schemas: Readonly<Record<string, Json>>;
}
