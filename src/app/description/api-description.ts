export type Json = Readonly<Record<string, unknown>>;

/**
 * A part of the API in the words of OpenAPI 3.1: operations by path (with `{parameters}`) and method, and the schemas
 * and responses that they refer to as `#/components/schemas/<name>` and `#/components/responses/<name>`.
 */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly schemas: Readonly<Record<string, Json>>;
  readonly responses: Readonly<Record<string, Json>>;
}
