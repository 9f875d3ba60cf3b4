import type { Agent } from '../../domain/agent.ts';
import { type RatePolicy, type RateVerdict, tightestOf } from '../../domain/rate-limit.ts';
import { networkOf } from '../../domain/source-network.ts';
import type { Clock, Digests } from '../ports.ts';
import type { AgentReads } from '../ports/agents.ts';
import type { RateLimiter } from '../ports/rate-limits.ts';

/** Requests per minute, unless it says otherwise. */
export interface RateLimitSettings {
  readonly tiers: Readonly<Record<Agent['tier'], number>>;
  readonly resourceServers: number;
  /** Requests without an authenticated client, per address. */
  readonly anonymous: number;
  /** Failed client authentications per address, and per address and client that is claimed. */
  readonly authenticationFailures: { readonly perSource: number; readonly perClient: number };
  /** Access tokens that are refused, per address. */
  readonly refusedTokens: number;
  /** Registrations per address and hour. */
  readonly registrations: number;
}

type Verdict = RateVerdict | Promise<RateVerdict>;

/** Which limit a request counts against. Addresses count as networks: an IPv6 /64 is one. */
export interface RateLimits {
  /** A request of a client that has authenticated itself. */
  client(agent: Pick<Agent, 'clientId' | 'kind' | 'tier'>): Verdict;
  /** The same where only the client's id is at hand; its tier may be ten seconds old. */
  clientById(clientId: string): Promise<RateVerdict>;
  /** A request of a public client, whose id anybody may name: counted for it at this address. */
  publicClient(agent: Pick<Agent, 'clientId' | 'tier'>, sourceIp: string): Verdict;
  /** A request of nobody in particular. */
  source(sourceIp: string): Verdict;
  registration(sourceIp: string): Verdict;
  /** Nothing came of a registration that was counted. */
  notRegistered(sourceIp: string): Promise<void>;
  /** Failed client authentications: only failures count, so a client in good standing is never held up. */
  readonly authentication: Failures<[sourceIp: string, claimedClient: string]>;
  /** Access tokens that were refused. */
  readonly tokens: Failures<[sourceIp: string]>;
}

export interface Failures<Whose extends string[]> {
  /** The verdict that forbids a further attempt, or the tighter one of those that allow it. */
  look(...whose: Whose): Verdict;
  /** Counts a failure; not `allowed` when others had exhausted the limit meanwhile. */
  failed(...whose: Whose): Verdict;
}

const MINUTE = 60;
const HOUR = 3600;

export function createRateLimits(
  settings: RateLimitSettings,
  context: {
    readonly limiter: RateLimiter;
    readonly clock: Clock;
    readonly digests: Pick<Digests, 'sha256'>;
    readonly agents: Pick<AgentReads, 'byId'>;
  },
): RateLimits {
  const { limiter, digests } = context;
  const digestOf = remembering(digests.sha256);
  const policies = policiesOf(settings);
  const policyOf = ({ kind, tier }: Pick<Agent, 'kind' | 'tier'>) =>
    kind === 'resource_server' ? policies.resourceServers : policies.tiers[tier];
  const standingOf = rememberStandings(context);
  const failures = <Whose extends string[]>(
    keysOf: (...whose: Whose) => readonly (readonly [RatePolicy, string])[],
  ): Failures<Whose> => ({
    look: (...whose) => tightest(keysOf(...whose).map(([policy, key]) => limiter.look(policy, key))),
    failed: (...whose) => tightest(keysOf(...whose).map(([policy, key]) => limiter.take(policy, key))),
  });
  return {
    client: (agent) => limiter.take(policyOf(agent), agent.clientId),
    async clientById(clientId) {
      return limiter.take(policyOf(await standingOf(clientId)), clientId);
    },
    publicClient: ({ clientId, tier }, sourceIp) =>
      limiter.take(policies.tiers[tier], `${clientId} ${networkOf(sourceIp)}`),
    source: (sourceIp) => limiter.take(policies.source, networkOf(sourceIp)),
    registration: (sourceIp) => limiter.take(policies.registrations, networkOf(sourceIp)),
    notRegistered: (sourceIp) => limiter.giveBack(policies.registrations, networkOf(sourceIp)),
    authentication: failures((sourceIp, claimedClient) => [
      [policies.failuresPerSource, networkOf(sourceIp)],
      // What a request claims may be anything, a misplaced secret among it.
      [policies.failuresPerClient, digestOf(`${networkOf(sourceIp)} ${claimedClient}`)],
    ]),
    tokens: failures((sourceIp) => [[policies.refusedTokens, networkOf(sourceIp)]]),
  };
}

function policiesOf(settings: RateLimitSettings) {
  const { tiers, authenticationFailures } = settings;
  const perMinute = (name: string, limit: number): RatePolicy => ({ name, limit, windowSeconds: MINUTE });
  return {
    tiers: {
      free: perMinute('client', tiers.free),
      pro: perMinute('client', tiers.pro),
      enterprise: perMinute('client', tiers.enterprise),
    },
    resourceServers: perMinute('resource-server', settings.resourceServers),
    source: perMinute('source', settings.anonymous),
    failuresPerSource: perMinute('failed-authentication-source', authenticationFailures.perSource),
    failuresPerClient: perMinute('failed-authentication-client', authenticationFailures.perClient),
    refusedTokens: perMinute('refused-token', settings.refusedTokens),
    registrations: {
      name: 'registration',
      limit: settings.registrations,
      windowSeconds: HOUR,
      forgiving: true,
    },
  };
}

/** Without waiting when every verdict is there: this is asked about every request. */
function tightest(asked: readonly Verdict[]): Verdict {
  const known = asked.filter((verdict): verdict is RateVerdict => !(verdict instanceof Promise));
  if (known.length === asked.length) return tightestOf(known);
  return Promise.all(asked.map((verdict) => Promise.resolve(verdict))).then(tightestOf);
}

const STANDING_MS = 10_000;
const STANDINGS = 10_000;

type Standing = Pick<Agent, 'kind' | 'tier'>;

/** Kind and tier by client id. Not a matter of security: a change may take ten seconds. */
function rememberStandings({ agents, clock }: { agents: Pick<AgentReads, 'byId'>; clock: Clock }) {
  const known = new Map<string, { standing: Standing; until: number }>();
  return async (clientId: string): Promise<Standing> => {
    const remembered = known.get(clientId);
    if (remembered && remembered.until > clock.now()) return remembered.standing;
    const agent = await agents.byId(clientId);
    const standing: Standing = agent ?? { kind: 'agent', tier: 'free' };
    if (known.size >= STANDINGS) known.clear();
    known.set(clientId, { standing, until: clock.now() + STANDING_MS });
    return standing;
  };
}

const DIGESTS = 1000;

/** The same few clients ask all day long: their digests are made once. */
function remembering(digest: (value: string) => string): (value: string) => string {
  const known = new Map<string, string>();
  return (value) => {
    const remembered = known.get(value);
    if (remembered !== undefined) return remembered;
    if (known.size >= DIGESTS) known.clear();
    const made = digest(value);
    known.set(value, made);
    return made;
  };
}
