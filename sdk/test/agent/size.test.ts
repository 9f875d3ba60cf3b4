import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { build, stop } from 'esbuild';

/** What a program carries that uses the agent client. */
const SDK = fileURLToPath(new URL('../..', import.meta.url));
/** Bytes: 10 KB. */
const MOST = 10_000;

afterAll(() => stop());

async function bundle(contents: string) {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: SDK, loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['node:*'],
    outdir: 'out',
    write: false,
    metafile: true,
  });
  const chunks = Object.entries(metafile.outputs).map(([name, output]) => {
    const file = outputFiles.find(({ path }) => path.endsWith(name.replace(/^.*\//, '')));
    return { ...output, text: file?.text ?? '', size: gzipSync(file?.contents ?? '', { level: 9 }).length };
  });
  const lazy = new Set(
    chunks.flatMap(({ imports }) =>
      imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path),
    ),
  );
  const names = Object.keys(metafile.outputs);
  const eager = chunks.filter((_chunk, i) => !lazy.has(names[i] ?? ''));
  return {
    /** What is loaded with the first import. */
    size: eager.reduce((sum, { size }) => sum + size, 0),
    lazy: chunks.filter((_chunk, i) => lazy.has(names[i] ?? '')),
    inputs: Object.keys(metafile.inputs),
    externals: chunks.flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    ),
  };
}

describe('the agent client, minified and gzipped', () => {
  test('is under 10 KB, signing aside, which is loaded by those who sign', async () => {
    const { size, lazy, externals } = await bundle(
      "export { createAgent, currentTask, TaskgrantError } from './src/agent/index.ts'",
    );
    expect(size).toBeLessThan(MOST);
    expect(lazy.map(({ entryPoint }) => entryPoint)).toEqual(
      ['src/shared/signing-key.ts'].map(expect.stringContaining),
    );
    expect(lazy.reduce((sum, chunk) => sum + chunk.size, 0)).toBeLessThan(1024);
    expect(externals).toEqual(['node:async_hooks']);
  });

  test('is under 10 KB for edge runtimes with everything in it, and needs nothing of Node', async () => {
    const { size, externals } = await bundle("export * from './src/agent/edge.ts'");
    expect(size).toBeLessThan(MOST);
    expect(externals).toEqual([]);
  });

  test('costs nothing that is not used: types and errors alone are small', async () => {
    const { size } = await bundle("export { TaskgrantError } from './src/agent/edge.ts'");
    expect(size).toBeLessThan(1536);
  });
});

test('permissions need nothing at all', async () => {
  const { inputs, externals } = await bundle("export * from './src/permissions/index.ts'");
  expect(externals).toEqual([]);
  expect(inputs.filter((path) => path.includes('agent/'))).toEqual([]);
});
