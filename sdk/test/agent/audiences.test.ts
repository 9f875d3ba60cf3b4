import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { destinationOf } from '../../src/agent/audiences.ts';
import { wireNames } from '../../src/shared/names.ts';

/** Where a token may go. */
const hosts = [
  'https://api.example.com',
  'https://api.example.com:8443',
  'http://api.example.com',
  'https://example.com',
];
const paths = ['', '/', '/one', '/one/', '/one/two', '/onetwo', '/one?x=1', '/other'];
const address = fc.tuple(fc.constantFrom(...hosts), fc.constantFrom(...paths)).map((parts) => parts.join(''));
const urns = fc.constantFrom('urn:api:notes', 'not a url', '');

describe('a token', () => {
  test('goes to origins that were named, and to no other (property)', () => {
    const named = fc.array(fc.oneof(address, urns), { maxLength: 4 });
    fc.assert(
      fc.property(address, named, named, (target, audiences, origins) => {
        const url = new URL(target);
        const known = [...audiences, ...origins].some(
          (one) => URL.canParse(one) && new URL(one).origin === url.origin,
        );
        const destination = destinationOf(url, { audiences, origins });
        expect(destination !== undefined).toBe(known);
        if (destination?.audience !== undefined)
          expect(new URL(destination.audience).origin).toBe(url.origin);
      }),
      { numRuns: 1000 },
    );
  });

  test('is that of the longest audience which the URL lies below, by whole segments', () => {
    const audiences = [
      'https://api.example.com/',
      'https://api.example.com/one',
      'https://api.example.com/one/two/',
    ];
    const audienceOf = (path: string) =>
      destinationOf(new URL(`https://api.example.com${path}`), { audiences, origins: [] })?.audience;
    expect(audienceOf('/other')).toBe(audiences[0]);
    expect(audienceOf('/one')).toBe(audiences[1]);
    expect(audienceOf('/one?x=1')).toBe(audiences[1]);
    expect(audienceOf('/onetwo')).toBe(audiences[0]);
    expect(audienceOf('/one/two/three')).toBe(audiences[2]);
  });
});

test('names on the wire: snake_case, absent members left out, values as they are (property)', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const names = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(names, fc.option(fc.integer()), (all, value) => {
      const camel = (words: string[]) =>
        words.map((one, i) => (i === 0 ? one : one[0]?.toUpperCase() + one.slice(1))).join('');
      const members = Object.fromEntries(all.map((words) => [camel(words), value]));
      const wire = Object.fromEntries(all.map((words) => [words.join('_'), value]));
      expect(wireNames(members)).toEqual(wire);
      expect(wireNames({ ...members, left1: undefined, out2: undefined })).toEqual(wire);
    }),
  );
});
