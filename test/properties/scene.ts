import type { AgentSpec, Door } from './door.ts';
import {
  fateOf,
  type ModelAgent,
  type ModelConsent,
  type ModelTask,
  type ModelToken,
  type ModelUser,
} from './model/nouns.ts';
import type { World } from './model/rules.ts';

/** Everything that the model knows while a sequence is played. */
export interface Scene {
  readonly door: Door;
  readonly agents: ModelAgent[];
  /** Deleted ones. */
  readonly gone: ModelAgent[];
  readonly users: ModelUser[];
  readonly tasks: Map<string, ModelTask>;
  readonly tokens: ModelToken[];
  readonly consents: ModelConsent[];
  /** How many audit events of each type must have been written. */
  readonly told: Map<string, number>;
  /** What happened, line by line, for the message of a failure. */
  readonly trace: string[];
  /** How many requests were granted and refused. */
  readonly score: { granted: number; refused: number };
  serial: number;
}

/** Rights, tools and names that requests are made of. The last two rights are never granted to anyone. */
export const RIGHTS = [
  'reports:read',
  'reports:write',
  'reports:*',
  'mail:send',
  'mail:*',
  '*:list',
  '*:*',
  'root:write',
];
export const TOOLS = ['search', 'mail', 'shell'];
export const RESOURCES = ['q1', 'q2', 'secrets'];

const plain = {
  tools: ['search', 'mail'],
  resources: ['q1', 'q2'],
  audiences: null,
  maxDepth: null,
  maxChildren: null,
  maxTaskSeconds: null,
  waived: false,
  refreshes: true,
};

/** Agents with different ceilings. */
export const CAST: readonly AgentSpec[] = [
  {
    ...plain,
    name: 'orchestrator',
    permissions: ['reports:*', 'mail:*', '*:list'],
    defaultScope: ['reports:read', 'mail:send'],
  },
  {
    ...plain,
    name: 'reporter',
    permissions: ['reports:*', 'mail:send'],
    defaultScope: ['reports:read', 'reports:write'],
    maxChildren: 3,
  },
  {
    ...plain,
    name: 'reader',
    permissions: ['reports:read'],
    defaultScope: ['reports:read'],
    tools: ['search'],
    resources: ['q1'],
    maxDepth: 3,
    maxTaskSeconds: 2000,
    refreshes: false,
  },
  {
    ...plain,
    name: 'mailer',
    permissions: ['mail:*'],
    defaultScope: ['mail:send'],
    tools: ['*'],
    resources: ['*'],
  },
  {
    ...plain,
    name: 'cron',
    permissions: ['reports:read', 'reports:write'],
    defaultScope: ['reports:read'],
    waived: true,
  },
];

export async function createScene(door: Door): Promise<Scene> {
  const scene: Scene = {
    door,
    agents: [],
    gone: [],
    users: [],
    tasks: new Map(),
    tokens: [],
    consents: [],
    told: new Map(),
    trace: [],
    score: { granted: 0, refused: 0 },
    serial: 0,
  };
  for (const spec of CAST) await hire(scene, spec);
  for (let i = 0; i < 2; i += 1) scene.users.push({ id: await door.enrol(), epoch: 0, state: 'active' });
  return scene;
}

export async function hire(scene: Scene, spec: AgentSpec): Promise<void> {
  scene.agents.push({ ...spec, id: await scene.door.hire(spec), epoch: 0, state: 'active' });
}

export function worldOf({ door, tasks }: Scene): World {
  const { limits, audiences, defaultAudience } = door;
  return { limits, audiences, defaultAudience, tasks, now: door.now() };
}

/** One of the list, or undefined when it is empty. */
export function choose<T>(list: readonly T[], n: number): T | undefined {
  return list[n % Math.max(list.length, 1)];
}

/** One of the newest tokens of these kinds; a live one when wanted and there is any. */
export function chooseToken(
  { tokens, door }: Scene,
  kinds: readonly ModelToken['kind'][],
  { target, lively }: { target: number; lively: boolean },
  also: (token: ModelToken) => boolean = () => true,
): ModelToken | undefined {
  const now = door.now();
  const fits = (token: ModelToken) => kinds.includes(token.kind) && also(token) && !isNearItsEnd(door, token);
  const candidates = tokens.filter(fits).slice(-80);
  const alive = lively ? candidates.filter((token) => fateOf(token, now) === 'live') : [];
  return choose((alive.length > 0 ? alive : candidates).slice(-30), target);
}

/** Where time goes on by itself nobody can say whether a request arrives before the end. */
export function isNearItsEnd(
  { now, tolerance }: Door,
  { expiresAt }: { readonly expiresAt: number },
): boolean {
  return Math.abs(expiresAt - now()) < tolerance * 2;
}
