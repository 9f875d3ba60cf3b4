import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { load, problem } = configDirectory();

describe('a faulty configuration', () => {
  test.each([
    ['http://localhost:1/?a=b', 'must have no query and no fragment'],
    ['http://localhost:1#', 'must have no query and no fragment'],
    ['ftp://localhost', 'must be an absolute http or https URL'],
    ['localhost:3000', 'must be an absolute http or https URL'],
    ['https://user:pw@example.com', 'must not hold a user name or password'],
    ['https://EXAMPLE.com', 'must be written in its canonical form, https://example.com'],
  ])('the issuer %s is refused', (issuer, expected) => {
    expect(problem({ ISSUER: issuer }, 'issuer')).toBe(expected);
  });
});

describe('a port that nobody knows before', () => {
  test('needs an issuer that leads there', () => {
    expect(problem({ PORT: '0' }, 'issuer')).toMatch(/^must be set where the port \(PORT\) is 0/);
    expect(problem({ ISSUER: 'http://localhost:0' }, 'issuer')).toMatch(/^must be set/);
    expect(load({ PORT: '0', ISSUER: 'https://auth.example.com' })).toMatchObject({ port: 0 });
  });
});
