import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { apiDocument } from '../../src/document-api.ts';
import { ROOT } from './markdown.ts';

test('docs/openapi.json is what `npm run generate` writes', async () => {
  const kept = readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8');
  expect(JSON.parse(kept)).toEqual(JSON.parse(await apiDocument()));
});
