import { describe, expect, test } from '@jest/globals';
import { configDirectory } from './config-directory.ts';

const { write, faultsOf, problem } = configDirectory();

describe('a faulty configuration', () => {
  test('one audience has one owner, and the administration API belongs to this server', () => {
    const server = (name: string, audience: string) => ({ name, audiences: [audience], tokenFormat: 'jwt' });
    write('config/development.json', {
      resourceServers: [
        server('a', 'https://a.example'),
        server('a', 'https://a.example'),
        server('b', '{issuer}/api'),
      ],
    });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      'holds the name "a" twice',
      '"a" claims https://a.example, which belongs to "a"',
      '"b" claims http://localhost:3000/api, which belongs to the administration API',
    ]);
  });

  test('an audience is one with a slash at the end and without', () => {
    const audiences = ['https://a.example/', 'https://a.example', '{issuer}/'];
    write('config/development.json', { resourceServers: [{ name: 'a', audiences, tokenFormat: 'jwt' }] });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      '"a" claims https://a.example, which belongs to "a"',
      '"a" claims http://localhost:3000/, which belongs to this server',
    ]);
  });

  test.each([
    ['ftp://files.example', 'must be an absolute http, https or urn URI without fragment'],
    ['https://API.example', 'must be written as https://api.example'],
    ['https://name:secret@api.example', 'must not hold credentials'],
    [`https://api.example/${'x'.repeat(500)}`, 'must be an absolute http, https or urn URI'],
  ])('an audience is what it is for everybody who registers one: %s', (audience, expected) => {
    const servers = [{ name: 'a', audiences: [audience], tokenFormat: 'jwt' }];
    write('config/development.json', { resourceServers: servers });
    expect(problem({}, 'resourceServers')).toContain(expected);
  });

  test('a resource server has at most 20 audiences, and a name that people can read', () => {
    const audiences = Array.from({ length: 21 }, (_, i) => `https://api-${i}.example`);
    const servers = [
      { name: 'many', audiences, tokenFormat: 'jwt' },
      { name: 'two\u0000words', audiences: ['https://b.example'], tokenFormat: 'jwt' },
    ];
    write('config/development.json', { resourceServers: servers });
    expect(faultsOf({}).map((fault) => fault.problem)).toEqual([
      expect.stringContaining('must name at most 20 audiences'),
      expect.stringContaining('must have 1 to 100 characters, none of them a control character'),
    ]);
  });
});
