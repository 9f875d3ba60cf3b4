import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { apiDocument } from '../../src/document-api.ts';
import { ROOT } from './markdown.ts';

const kept = readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8');

test('docs/openapi.json is what `npm run generate` writes', async () => {
  expect(JSON.parse(kept)).toEqual(JSON.parse(await apiDocument()));
});

test('every schema in it is one of JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false });
  const schemas: object[] = [];
  const document = JSON.parse(kept, (name, value) => {
    if (name === 'schema') schemas.push(value);
    return value;
  });
  schemas.push(...Object.values<object>(document.components.schemas));
  expect(schemas.length).toBeGreaterThan(200);
  for (const schema of schemas) expect([ajv.validateSchema(schema), schema]).toEqual([true, schema]);
});
