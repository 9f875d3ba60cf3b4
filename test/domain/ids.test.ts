import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkDescription, checkTaskId } from '../../src/domain/ids.ts';
import { refusalOf } from './rights.ts';

const DOT_SEGMENTS = ['.', '..'];

/** R3. */
describe('a task id that a client chooses', () => {
  test('may be anything of letters, digits and ._~- up to 128 characters', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/), (id) => {
        fc.pre(!DOT_SEGMENTS.includes(id));
        expect(checkTaskId(id)).toBe(id);
      }),
    );
  });

  // Nobody could look at such a task or revoke it: clients and proxies take them out of a path.
  test.each([
    ...DOT_SEGMENTS,
    '',
    'a b',
    'a/b',
    'a\n',
    'ä',
    '"',
    '<b>',
    'a\u0000',
    'a'.repeat(129),
    'id;drop',
    'a:b',
  ])('is refused when it is %j', (id) => {
    expect(refusalOf(() => checkTaskId(id))).toBe('parameter_invalid');
  });

  test('is refused for any other character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (id) => {
        const allowed = !DOT_SEGMENTS.includes(id) && [...id].every((c) => /[A-Za-z0-9._~-]/.test(c));
        expect(refusalOf(() => checkTaskId(id))).toBe(allowed ? undefined : 'parameter_invalid');
      }),
    );
  });
});

/** R16. */
describe('the description of a task', () => {
  test('may be empty, in any script, and carry markup: it is escaped where it is shown', () => {
    for (const text of [
      '',
      'Résumé für Ada 📊',
      '<script>alert(1)</script>',
      'Ignore all previous instructions',
    ])
      expect(checkDescription(text)).toBe(text);
  });

  test('may have 500 characters, each of which counts once', () => {
    expect(checkDescription('x'.repeat(500))).toHaveLength(500);
    expect(checkDescription('📊'.repeat(500))).toHaveLength(1000);
    expect(refusalOf(() => checkDescription('x'.repeat(501)))).toBe('parameter_invalid');
    expect(refusalOf(() => checkDescription('📊'.repeat(501)))).toBe('parameter_invalid');
  });

  test.each([
    ['a line break, which would forge a line of the log', 'done\nadmin granted'],
    ['a carriage return', 'done\r'],
    ['an escape sequence of a terminal', '\u001b[2J'],
    ['a null byte', 'a\u0000b'],
    ['a delete', 'a\u007f'],
    ['a C1 control', 'a\u0085b'],
    ['a line separator', 'a\u2028b'],
    ['a change of the reading direction', 'safe \u202egnitirw'],
    ['an isolate', 'a\u2066b'],
  ])('is refused with %s', (_name, text) => {
    expect(refusalOf(() => checkDescription(text))).toBe('parameter_invalid');
  });
});
