import { jwtVerify } from 'jose';
import { protect } from '@taskgrant/sdk/resource';
import { BENCH_AUDIENCE, startBenchIssuer } from './signed-tokens.ts';

/**
 * What it costs to check a token with the ledger in memory, beside a bare signature check of the same tokens:
 * node --conditions=taskgrant-source sdk/bench/offline-check.ts
 */
const TOKENS = 4000;
const WARM_UP = 1000;
const BATCHES = 101;
const BATCH = 500;

const bench = await startBenchIssuer();
const { issuer, publicKey } = bench;
const credentials = { clientId: 'rs_bench', clientSecret: 'secret' };

async function microseconds(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) * 1000;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** One after the other, and in turn on each token: what the machine does meanwhile meets both alike. */
async function measure(depth: number) {
  const tokens = await Promise.all(Array.from({ length: TOKENS }, () => bench.sign(depth)));
  const guard = protect({ issuer, audience: BENCH_AUDIENCE, scope: 'notes:read', credentials });
  await guard.ready();
  const check = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await guard.authenticate({ method: 'GET', url: '/notes', headers });
    if (!answer.accepted) throw new Error(answer.reason);
  };
  const options = { issuer, audience: BENCH_AUDIENCE, typ: 'at+jwt', algorithms: ['ES256'] };
  const bare: number[] = [];
  const checked: number[] = [];
  for (const [i, token] of tokens.entries()) {
    const verify = async () => bare.push(await microseconds(() => jwtVerify(token, publicKey, options)));
    if (i % 2 === 0) await verify();
    checked.push(await microseconds(() => check(token)));
    if (i % 2 === 1) await verify();
  }
  const [first = ''] = tokens.slice(-1);
  const known: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const spent = await microseconds(async () => {
      for (let i = 0; i < BATCH; i += 1) await check(first);
    });
    known.push(spent / BATCH);
  }
  guard.close();
  return { bare: median(bare.slice(WARM_UP)), checked: median(checked.slice(WARM_UP)), known: median(known) };
}

console.log('| Depth | jose.jwtVerify | offline with live ledger | ratio | verified before |');
console.log('|---|---|---|---|---|');
for (const depth of [0, 2, 8, 16]) {
  const { bare, checked, known } = await measure(depth);
  const ratio = (checked / bare).toFixed(2);
  console.log(
    `| ${depth} | ${bare.toFixed(1)} µs | ${checked.toFixed(1)} µs | ${ratio} | ${known.toFixed(2)} µs |`,
  );
}
bench.stop();
