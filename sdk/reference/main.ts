import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf, withBuiltPackage } from './build.ts';
import { referencePage } from './page.ts';

/** Writes docs/reference.md from the docstrings: part of `npm run generate`. */
const page = withBuiltPackage((directory) => referencePage(entriesOf(directory)));
writeFileSync(join(import.meta.dirname, '../docs/reference.md'), page);
