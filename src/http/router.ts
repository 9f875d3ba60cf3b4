import Router from '@koa/router';
import type { z } from 'zod';
import type { Answer, AnswerOnce } from '../app/idempotency/answer-once.ts';
import { answerCreation } from './answer-once.ts';
import type { BoundRoute, Contract } from './contract.ts';
import type { Authenticate } from './middleware/bearer.ts';
import { readBody, readParameters } from './middleware/body.ts';
import { Problem } from './problem.ts';
import type { RequestContext, RequestMiddleware, RequestState } from './state.ts';

interface RouterParts {
  readonly routes: readonly BoundRoute[];
  readonly authenticate: Authenticate;
  /** Largest body, in bytes. */
  readonly bodyLimit: number;
  readonly answerOnce: AnswerOnce;
}

interface Fault {
  readonly in: 'params' | 'query' | 'body';
  readonly path: string;
  readonly message: string;
}

/**
 * Serves bound routes: who asks is settled before what is asked is read, so a stranger learns nothing from the
 * validation. Falls through for other paths; a known path with another method is 405.
 */
export function createRouter({ routes, ...parts }: RouterParts): RequestMiddleware {
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  for (const bound of routes) {
    const { contract } = bound;
    for (const path of [contract.path, ...contract.aliases]) {
      router[contract.method](path, async (ctx) => {
        ctx.state.route = contract.path;
        if (contract.registers) ctx.state.registers = true;
        if (contract.issues) ctx.state.issues = true;
        await serve(ctx, bound, ctx.params, parts);
      });
    }
  }
  const matched = router.routes() as RequestMiddleware;
  return (ctx, next) => {
    const { path: layers, route } = router.match(ctx.path, ctx.method);
    if (layers.length === 0 || route) return matched(ctx, next);
    return answerMethod(ctx, [...new Set(layers.flatMap(({ methods }) => methods))]);
  };
}

async function serve(
  ctx: RequestContext,
  { contract, prove, handle }: BoundRoute,
  params: unknown,
  { authenticate, bodyLimit, answerOnce }: Omit<RouterParts, 'routes'>,
): Promise<void> {
  const admitted = await authenticate(ctx, contract.access);
  const body = contract.body ? await readBody(ctx, bodyLimit) : {};
  const query = readParameters(ctx.querystring, 'the query');
  const input = readInput(contract, { params, query, body });
  const proof = await prove?.({ ...input, caller: admitted, ctx });
  const caller = proof ? { ...admitted, actor: proof.agent.clientId } : admitted;
  const produce = async (): Promise<Answer> => {
    const result = await handle({ ...input, caller, ctx }, proof?.proven);
    const { status, body: shape } = contract.returns;
    return { status, body: shape && strip(contract, shape, result) };
  };
  const answer = contract.creates
    ? await answerCreation(answerOnce, ctx, { caller, proof, body, produce })
    : await produce();
  ctx.status = answer.status;
  if (answer.body !== undefined) ctx.body = answer.body;
  if (contract.returns.type) ctx.set('Content-Type', contract.returns.type);
}

/** @throws Problem 400 that lists every fault of params, query and body. */
function readInput(contract: Contract, raw: Record<Fault['in'], unknown>) {
  const params = contract.params.safeParse(raw.params);
  const query = contract.query.safeParse(raw.query);
  const body = contract.body?.safeParse(raw.body);
  const faults = [
    ...faultsOf('params', params.error),
    ...faultsOf('query', query.error),
    ...faultsOf('body', body?.error),
  ];
  if (faults.length > 0) {
    const [first] = faults;
    throw new Problem(400, 'request_invalid', `${first?.path || first?.in}: ${first?.message}`, {
      members: { faults },
    });
  }
  return { params: params.data, query: query.data, body: body?.data };
}

function faultsOf(place: Fault['in'], error: z.ZodError | undefined): Fault[] {
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          in: place,
          path: pathOf([...issue.path, key]),
          message: 'is not known here',
        }))
      : [{ in: place, path: pathOf(issue.path), message: issue.message }],
  );
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, 200);
}

/** INVARIANT: an answer has the declared shape; members that were not declared do not leave. */
function strip({ method, path }: Contract, body: z.ZodType, result: unknown): unknown {
  const parsed = body.safeParse(result);
  if (!parsed.success) {
    throw new Error(`the answer of ${method} ${path} breaks its declaration: ${parsed.error.message}`);
  }
  return parsed.data;
}

function answerMethod(ctx: RequestContext, methods: readonly string[]): Promise<void> {
  const allow = [...methods, 'OPTIONS'].join(', ');
  if (ctx.method !== 'OPTIONS') {
    throw new Problem(405, 'method_not_allowed', `use ${allow}`, { headers: { Allow: allow } });
  }
  ctx.status = 204;
  ctx.set('Allow', allow);
  return Promise.resolve();
}
