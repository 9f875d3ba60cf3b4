import type { Json } from './api-description.ts';

const COMMON = [
  'X-Request-ID',
  'RateLimit-Policy',
  'RateLimit',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
];

/** The fields of an answer, by name: those of every answer, and the further ones. The document's components say more. */
export function headersOf(...further: readonly string[]): Json {
  return Object.fromEntries(
    [...COMMON, ...further].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

export function refusalHeaders(status: number): Json {
  if (status === 429 || status === 503) return headersOf('Retry-After');
  return status === 401 || status === 403 ? headersOf('WWW-Authenticate') : headersOf();
}
