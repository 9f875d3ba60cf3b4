import autocannon from 'autocannon';
import type { LoadOrder, LoadResult, ToLoad, Workload } from './messages.ts';

/**
 * The load process: it holds a workload and carries out one order after another. A process of its own, so that
 * producing load and taking measurements do not share an event loop.
 */
let workload: Workload | undefined;

process.on('message', (message: ToLoad) => {
  if ('workload' in message) workload = message.workload;
  else void carryOut(message.order).then((result) => process.send?.(result));
});
// The benchmark has ended, in whatever way.
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole process group; the benchmark ends this process when it has cleaned up.
process.on('SIGINT', () => undefined);

async function carryOut(order: LoadOrder): Promise<LoadResult> {
  if (!workload) throw new Error('there is no workload yet');
  const { path, headers, expect } = workload;
  const requests = requestsOf(workload);
  const latencies: number[] = [];
  let firstFailure: string | undefined;
  let connection = 0;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const options: autocannon.Options = {
      url: `${order.origin}${path}`,
      method: 'POST',
      headers: { ...headers },
      connections: order.connections,
      duration: order.seconds,
      // A run ends with a sample, so it goes on for this long at most, in milliseconds.
      sampleInt: 100,
      setupClient(client) {
        client.setRequests(shareOf(requests, connection, order.connections));
        connection += 1;
      },
      verifyBody(body: unknown) {
        const right = String(body).includes(expect);
        if (!right) firstFailure ??= String(body).slice(0, 500);
        return right;
      },
    };
    const run = autocannon(options, (error, done) =>
      error instanceof Error ? reject(error) : resolve(done),
    );
    run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
    run.on('reqError', (error: unknown) => {
      firstFailure ??= String(error);
    });
  });
  const failed = result.non2xx + result.errors + result.mismatches;
  return {
    seconds: (result.finish.getTime() - result.start.getTime()) / 1000,
    answered: result['2xx'] - result.mismatches,
    failed,
    firstFailure: failed > 0 ? (firstFailure ?? JSON.stringify(result.statusCodeStats)) : undefined,
    ...percentiles(latencies),
  };
}

function requestsOf({ headers, bodies, authorizations }: Workload): autocannon.Request[] {
  if (!authorizations) return bodies.map((body) => ({ body }));
  const [body = ''] = bodies;
  return authorizations.map((authorization) => ({ body, headers: { ...headers, authorization } }));
}

/** Every `connections`-th request, from the connection's own number on; at least one. */
function shareOf<T>(requests: readonly T[], connection: number, connections: number): T[] {
  const share = requests.filter((_request, i) => i % connections === connection);
  return share.length > 0 ? share : requests.slice(0, 1);
}

function percentiles(latencies: readonly number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
