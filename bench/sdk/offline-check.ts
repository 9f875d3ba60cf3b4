import { jwtVerify } from 'jose';
import { protect } from '@taskgrant/sdk/resource';
import type { Finding } from '../cases/contest.ts';
import { median } from '../report/summary.ts';
import { BENCH_AUDIENCE, type BenchIssuer, startBenchIssuer } from './bench-issuer.ts';

const DEPTHS = [0, 2, 8, 16];
const WARM_UP = 2000;
const BATCHES = 101;
const BATCH = 500;
const COSTS_AT_MOST = 1.2;
const KNOWN_WITHIN_US = 10;

/** What it costs to check a token with the ledger in memory, beside a bare signature check of the same tokens. */
export async function offlineChecks(tokens: number): Promise<Finding[]> {
  const bench = await startBenchIssuer();
  try {
    const measured: { depth: number; found: Microseconds }[] = [];
    for (const depth of DEPTHS) measured.push({ depth, found: await measure(bench, depth, tokens) });
    return measured.flatMap(({ depth, found: { bare, checked, known } }) => [
      {
        what: `a token at depth ${depth}, never seen: live check costs at most ${COSTS_AT_MOST} × jose.jwtVerify`,
        found: `${(checked / bare).toFixed(2)} × (${checked.toFixed(0)} µs, jose ${bare.toFixed(0)} µs)`,
        met: checked <= COSTS_AT_MOST * bare,
      },
      {
        what: `a token at depth ${depth}, verified before: live check in less than ${KNOWN_WITHIN_US} µs`,
        found: `${known.median.toFixed(1)} µs (lower quartile ${known.lowerQuartile.toFixed(1)} µs)`,
        met: known.median < KNOWN_WITHIN_US,
      },
    ]);
  } finally {
    bench.stop();
  }
}

interface Microseconds {
  /** Medians. */
  readonly bare: number;
  readonly checked: number;
  readonly known: { readonly median: number; readonly lowerQuartile: number };
}

/** One after the other, and in turn on each token: what the machine does meanwhile meets both alike. */
async function measure(bench: BenchIssuer, depth: number, count: number): Promise<Microseconds> {
  const { issuer, publicKey } = bench;
  const tokens = await Promise.all(Array.from({ length: WARM_UP + count }, () => bench.sign(depth)));
  const credentials = { clientId: 'rs_bench', clientSecret: 'secret' };
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
  const known = await repeated(() => check(tokens.at(-1) ?? ''));
  guard.close();
  return { bare: median(bare.slice(WARM_UP)), checked: median(checked.slice(WARM_UP)), known };
}

/** Batches, because a single check is too short for the clock. The lower quartile tells how quiet the machine was. */
async function repeated(run: () => Promise<void>): Promise<Microseconds['known']> {
  const batches: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const spent = await microseconds(async () => {
      for (let i = 0; i < BATCH; i += 1) await run();
    });
    batches.push(spent / BATCH);
  }
  const sorted = batches.toSorted((a, b) => a - b);
  return { median: median(batches), lowerQuartile: sorted[Math.floor(BATCHES / 4)] ?? Number.NaN };
}

async function microseconds(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) * 1000;
}
