import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonLine, logRecord, prettyLine } from '../../src/log/record.ts';

const AT = new Date('2026-01-31T12:00:00.000Z');
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/;

describe('a line of the log', () => {
  test('holds time, level, logger, message and fields', () => {
    const record = logRecord(AT, 'info', 'oauth', 'token issued', { request_id: 'r-1', token: 'x' });
    expect(jsonLine(record)).toBe(
      '{"timestamp":"2026-01-31T12:00:00.000Z","level":"info","logger":"oauth","message":"token issued",' +
        '"request_id":"r-1","token":"[redacted]"}',
    );
  });

  test('cannot be forged by a field with the name of a member', () => {
    const line = jsonLine(logRecord(AT, 'info', 'app', 'm', { level: 'error', message: 'x', timestamp: 0 }));
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      message: 'm',
      field_level: 'error',
      field_message: 'x',
    });
  });

  test('keeps both of two fields that claim one name', () => {
    const line = jsonLine(logRecord(AT, 'info', 'app', 'm', { level: 'a', field_level: 'b' }));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', field_level: 'a', field_field_level: 'b' });
  });

  test('keeps a field named __proto__ as data', () => {
    const fields = JSON.parse('{"__proto__":{"logger":"forged"},"a":1}') as Record<string, unknown>;
    const line = jsonLine(logRecord(AT, 'info', 'app', 'm', fields));
    expect(line).toContain('"logger":"app","message":"m","__proto__":{"logger":"forged"},"a":1}');
  });

  test('escapes the one control character that JSON leaves in ASCII', () => {
    expect(jsonLine(logRecord(AT, 'info', 'app', 'a\u007fb'))).toContain('"a\\u007fb"');
  });

  test('is one line without control characters, whatever it holds, and reads back (property)', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        (message, fields) => {
          const line = jsonLine(logRecord(AT, 'warn', 'app', message, fields));
          expect(line).not.toMatch(CONTROLS);
          expect(() => JSON.parse(line)).not.toThrow();
        },
      ),
    );
  });

  test('for a terminal carries no escape sequence of the caller, and indents a stack', () => {
    const line = prettyLine(
      logRecord(AT, 'error', 'app', 'a\n2026 error forged \u001b[2J', {
        b: 'c\nd',
        error: new Error('x\ny'),
      }),
    );
    const [head, ...rest] = line.split('\n');
    expect(head).toContain('a\\u000a2026 error forged \\u001b[2J b=c\\u000ad');
    expect(rest.length).toBeGreaterThan(0);
    for (const each of rest) expect(each).toMatch(/^ {4}│ /);
  });
});
