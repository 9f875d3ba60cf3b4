import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildPackage } from '../../reference/build.ts';

const run = promisify(execFile);
const SDK = join(import.meta.dirname, '../..');
const MODULES = join(SDK, '../node_modules');
const PACKED = ['package.json', 'README.md', 'LICENSE', 'docs'];
const OLDEST_NODE = 20;
const LIMITS = { timeout: 60_000, maxBuffer: 1 << 20 };

/** A project that has installed the package as it would be published; nothing in it knows of this repository. */
export interface Consumer {
  readonly directory: string;
  /** Runs a file of the project. @returns what it printed @throws Error when it fails */
  node(node: string, file: string, env?: Record<string, string>): Promise<string>;
  /** Compiles the project by its tsconfig.json. @throws Error with what the compiler says */
  compile(): Promise<void>;
  write(name: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** Builds, packs and unpacks, without a network. */
export async function installPackage(): Promise<Consumer> {
  const home = await mkdtemp(join(tmpdir(), 'taskgrant-consumer-'));
  const directory = join(home, 'project');
  const installed = join(directory, 'node_modules/@taskgrant/sdk');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', await pack(home), '--strip-components=1', '-C', installed], LIMITS);
  for (const name of ['jose', '@types/node', 'undici-types']) {
    const link = join(directory, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(MODULES, name), link);
  }
  return {
    directory,
    async node(node, file, env = {}) {
      const all = { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...env };
      const { stdout } = await run(node, [file], { ...LIMITS, cwd: directory, env: all });
      return stdout;
    },
    async compile() {
      const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
      await run(process.execPath, [tsc, '--project', directory], LIMITS).catch(
        (error: { stdout?: string }) => {
          throw new Error(error.stdout ?? 'the compiler did not run', { cause: error });
        },
      );
    },
    write: (name, text) => writeFile(join(directory, name), text),
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

/** What `npm publish` would send. The build goes beside the sources, never into them. */
async function pack(home: string): Promise<string> {
  const staging = join(home, 'staging');
  await mkdir(staging);
  for (const name of PACKED) await cp(join(SDK, name), join(staging, name), { recursive: true });
  buildPackage(join(staging, 'dist'));
  const env = { ...process.env, npm_config_cache: join(home, 'cache'), npm_config_update_notifier: 'false' };
  const args = ['pack', '--ignore-scripts', '--offline', '--json', '--pack-destination', home];
  const { stdout } = await run('npm', args, { ...LIMITS, cwd: staging, env });
  const [{ filename } = { filename: '' }] = JSON.parse(stdout) as { filename: string }[];
  return join(home, filename);
}

/** The Nodes on this computer that the package is for, each major version once; the one that runs the tests comes first. */
export async function nodesHere(): Promise<ReadonlyMap<number, string>> {
  const found = new Map([[majorOf(process.version), process.execPath]]);
  for (const folder of new Set((process.env['PATH'] ?? '').split(':'))) {
    const node = join(folder, 'node');
    const version = await run(node, ['--version'], { timeout: 10_000 }).catch(() => undefined);
    const major = version && majorOf(version.stdout);
    if (major !== undefined && major >= OLDEST_NODE && !found.has(major)) found.set(major, node);
  }
  return found;
}

function majorOf(version: string): number {
  return Number.parseInt(version.replace(/^v/, ''), 10);
}
