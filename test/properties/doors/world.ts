import type { AppContext } from '../../../src/app/context.ts';
import { registerResourceServer } from '../../../src/app/resource-servers/register-resource-server.ts';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import { CALLER, createTestContext, DEFAULT_AUDIENCE } from '../../support/app-context.ts';
import { anAgent, aUser } from '../../support/fixtures.ts';
import type { AgentSpec } from '../door.ts';
import { inspectStore } from './inspection.ts';
import { watchCommits } from './watch.ts';

/** Lower than the product's, so that sequences meet every limit. */
export const LIMITS = {
  accessTokenSeconds: 600,
  refreshTokenSeconds: 5000,
  handOffSeconds: 120,
  taskDefaultSeconds: 3600,
  taskMaxSeconds: 20_000,
  codeTaskSeconds: 10_000,
  refreshGraceSeconds: 30,
  maxDepth: 6,
  maxChildren: 5,
};

const FILES = 'https://files.example.com/';
const MAIL = 'https://mail.example.com';

/** The one of requests that name none: it takes any right, so that the rules have to tell what is too much. */
export const DEFAULT = FILES;

/** The example server of the test context, one that takes any right, and one that knows few. */
export const AUDIENCES: ReadonlyMap<string, readonly string[] | null> = new Map([
  [DEFAULT_AUDIENCE, ['reports:read', 'reports:write', 'example:read']],
  [FILES, null],
  [MAIL, ['mail:*', 'reports:read']],
]);

export interface Place {
  readonly databaseUrl?: string;
}

/** A new system with these audiences, whose commits are watched. */
export async function openWorld({ databaseUrl }: Place) {
  const test = await createTestContext({
    limits: LIMITS,
    settings: { limits: LIMITS, defaultAudience: DEFAULT },
    databaseUrl,
  });
  const watch = watchCommits(test.store, test.clock);
  const context: AppContext = { ...test.context, store: { ...test.store, commit: watch.commit } };
  for (const audience of [FILES, MAIL]) {
    const scopes = AUDIENCES.get(audience) ?? null;
    const tokenFormat = audience === FILES ? ('jwt' as const) : ('opaque' as const);
    const server = { name: audience, audiences: [audience], scopes, tokenFormat };
    await registerResourceServer(context, { caller: CALLER, ...server });
  }
  const taken = new DomainError('conflict', 'the id is taken');
  const insert = (change: UnitOfWork['changes'][number]) =>
    context.store.commit({ id: context.ids.next(), guards: [], changes: [change], events: [] });
  return {
    context,
    clock: test.clock,
    watch,
    async hire({ waived: challengeWaived, refreshes: _, ...ceiling }: AgentSpec) {
      const agent = anAgent({ ...ceiling, challengeWaived });
      await insert({ do: 'insert_agent', agent, miss: taken });
      return agent.clientId;
    },
    async enrol() {
      const user = aUser({ permissions: ['*:*'] });
      await insert({ do: 'insert_user', user, passwordHash: '-', miss: taken });
      return user.userId;
    },
    inspect: () => inspectStore(context),
    close: test.close,
  };
}
