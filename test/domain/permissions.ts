import fc from 'fast-check';

/** A part of a name that means nothing but itself. */
const name = fc.stringMatching(/^[A-Za-z0-9._~-]{1,12}$/).map((text) => `n${text}`);
const two = fc.constantFrom('a', 'b');
const maybe = <T extends string>(part: fc.Arbitrary<T>) => fc.oneof(part, fc.constant('*'));

function levels(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    part,
    fc.tuple(maybe(part), maybe(part)).map((parts) => parts.join(':')),
    fc.constant('*:*:*'),
    part.map((service) => `${service}:*:*`),
    fc.tuple(part, part).map(([service, resource]) => `${service}:${resource}:*`),
    fc.tuple(part, part, part).map((parts) => parts.join(':')),
  );
}

/** Every form that the grammar has. */
export const wellFormed: fc.Arbitrary<string> = levels(name);

/** The same of few names, so that two of them often meet. */
export const meeting: fc.Arbitrary<string> = levels(two);
