import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SDK = join(import.meta.dirname, '..');
/** Its package exports no path to it. */
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

/** Builds the package into a temporary directory, which is gone when `use` returns. */
export function withBuiltPackage<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'taskgrant-sdk-'));
  try {
    buildPackage(directory);
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Builds what is published into a directory. @throws Error with the compiler's output */
export function buildPackage(directory: string): void {
  const args = [TSC, '--project', join(SDK, 'tsconfig.build.json'), '--outDir', directory];
  execFileSync(process.execPath, args, { stdio: 'pipe', encoding: 'utf8', timeout: 60_000 });
}

/** The declaration file of each entry, by the name that it is imported by. */
export function entriesOf(directory: string): ReadonlyMap<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(SDK, 'package.json'), 'utf8')) as {
    name: string;
    exports: Record<string, { types: string }>;
  };
  return new Map(
    Object.entries(exports).map(([path, { types }]) => [
      join(name, path),
      join(directory, types.replace(/^\.\/dist\//, '')),
    ]),
  );
}
