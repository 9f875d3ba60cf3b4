import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const START = new URL('../../src/runtime/thread-pool.js', import.meta.url).href;

/** How many threads a process has more after the first use of the pool. */
function threads(env: Record<string, string>): number {
  const script = `
    import { readdirSync } from 'node:fs';
    import { widenThreadPool } from ${JSON.stringify(START)};
    widenThreadPool();
    const count = () => readdirSync('/proc/self/task').length;
    const before = count();
    const { stat } = await import('node:fs/promises');
    await stat('/');
    console.log(count() - before);`;
  const { UV_THREADPOOL_SIZE: _, ...rest } = process.env;
  const options = { env: { ...rest, ...env }, encoding: 'utf8' } as const;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], options));
}

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  'names that hang, passwords and signatures each find a thread, unless the operator counts them',
  () => {
    expect(threads({})).toBe(12);
    expect(threads({ UV_THREADPOOL_SIZE: '5' })).toBe(5);
  },
);
