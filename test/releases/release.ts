import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Migration } from '../../src/store/schema/migrate.ts';

/** The release that servers are upgraded from. */
const PREVIOUS = 'v0.1.0';

/** The release before knows no setting that came later. */
export const SETTINGS_OF_BEFORE = { limits: undefined };

const PACKAGES = new URL('../../node_modules', import.meta.url).pathname;

export interface Release {
  /** What `npm start` runs. */
  readonly main: string;
  /** A file of it. */
  path(file: string): string;
  /** Names of its migrations, in order. */
  readonly migrations: readonly string[];
  remove(): void;
}

/** Unpacks a recorded release; it uses the packages of this checkout. */
export function unpackRelease(version = PREVIOUS): Release {
  const home = mkdtempSync(join(tmpdir(), `taskgrant-${version}-`));
  const archive = new URL(`${version}.tar.gz`, import.meta.url).pathname;
  execFileSync('tar', ['-xzf', archive, '-C', home]);
  symlinkSync(PACKAGES, join(home, 'node_modules'));
  return {
    main: join(home, 'src/main.ts'),
    path: (file) => join(home, file),
    migrations: readdirSync(join(home, 'migrations')).sort(),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The migrations of a release, as that release wrote them. */
export async function migrationsOf(release: Release): Promise<Migration[]> {
  const loaded = release.migrations.map(async (name) => ({
    ...((await import(pathToFileURL(release.path(`migrations/${name}`)).href)) as Migration),
    name,
  }));
  return Promise.all(loaded);
}
