import * as fc from 'fast-check';

const part = fc.constantFrom('notes', 'mail', 'read', '*');

/** Scopes of rights of one to three components, with wildcards anywhere. */
export const scopeArbitrary = fc.array(
  fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(':')),
  { maxLength: 4 },
);
