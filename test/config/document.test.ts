import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { generatedFiles, staleFiles } from '../../src/config/document.ts';
import { describeSettings, loadConfig } from '../../src/config/load.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the documentation of settings', () => {
  test('is what `npm run generate` writes', () => {
    expect(staleFiles(ROOT)).toEqual([]);
  });

  test('notices a file that is missing', () => {
    expect(staleFiles(join(ROOT, 'no-such-directory'))).toEqual(Object.keys(generatedFiles()));
  });

  test('describes every setting in a sentence, and no two with one name or variable', () => {
    const settings = describeSettings();
    const variables = settings.flatMap((each) => each.env ?? []);
    expect(new Set(settings.map((each) => each.name)).size).toBe(settings.length);
    expect(new Set(settings.map((each) => each.description)).size).toBe(settings.length);
    expect(new Set(variables).size).toBe(variables.length);
    for (const each of settings) expect(each.description).toMatch(/^[A-Z].*\.$/);
  });

  test('tells the words and the bounds that a setting takes, with its unit', () => {
    const takes = Object.fromEntries(describeSettings().map((each) => [each.env ?? each.name, each.takes]));
    expect(takes).toMatchObject({
      REGISTRATION: '`open`, `token`, `closed`',
      TRUST_PROXY: '`true`, `false`, 1 to 16',
      PORT: '0 to 65535',
      DRAIN_DELAY: '0 to 600 seconds',
      LOG_MAX_SIZE: 'bytes with k, m or g',
      ISSUER: '',
    });
  });

  test('.env.example lists every variable, commented out, and changes nothing', () => {
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    for (const { env } of describeSettings()) if (env) expect(example).toContain(`# ${env}=`);
    expect(example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});

test('config/default.json repeats no default wrongly', () => {
  // A directory without settings of its own: a developer's .env must not count here.
  const config = loadConfig({}, join(ROOT, 'no-such-directory'));
  const shown = describeSettings().filter((each) => /^(argon2|retention|requestBodyLimit)/.test(each.name));
  expect(shown).toHaveLength(8);
  for (const { name, default: value } of shown) {
    const actual = name
      .split('.')
      .reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], config);
    expect([name, String(actual)]).toEqual([name, value]);
  }
});
