import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AUDIT_EVENT_TYPES } from '../../src/domain/audit-event.ts';
import { DOMAIN_ERROR_CODES, DomainError } from '../../src/domain/errors.ts';

const sources = readSources(new URL('../../src', import.meta.url).pathname);

describe('the names of what is recorded', () => {
  test('are unique, and read as something that happened', () => {
    expect(new Set(AUDIT_EVENT_TYPES).size).toBe(AUDIT_EVENT_TYPES.length);
    for (const type of AUDIT_EVENT_TYPES) expect(type).toMatch(/^[a-z]+(?:_[a-z]+)+$/);
  });

  test('hold those that callers of agentictrust know', () => {
    expect(AUDIT_EVENT_TYPES).toEqual(
      expect.arrayContaining([
        'authorization_code_issued',
        'token_issued',
        'token_refreshed',
        'token_verification',
        'token_introspection',
        'token_revoked',
        'api_access',
        'task_context_verification',
        'tool_access_verification',
      ]),
    );
  });
});

describe('the reasons to refuse', () => {
  test('are unique, and each is used by some rule', () => {
    expect(new Set(DOMAIN_ERROR_CODES).size).toBe(DOMAIN_ERROR_CODES.length);
    const unused = DOMAIN_ERROR_CODES.filter((code) => !sources.includes(`'${code}',`));
    expect(unused).toEqual([]);
  });

  test('a refusal carries its code, a public message and what it is about', () => {
    const error = new DomainError('scope_not_subset', 'wider than the parent token', {
      refused: ['mail:send'],
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'DomainError',
      code: 'scope_not_subset',
      message: 'wider than the parent token',
      details: { refused: ['mail:send'] },
    });
    expect(new DomainError('conflict', 'x').details).toEqual({});
  });
});

function readSources(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('errors.ts'),
  );
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
}
