import { deriveChild, type DerivationInput } from '../../src/domain/delegation.ts';
import type { Agent } from '../../src/domain/agent.ts';
import type { Opening } from '../../src/domain/opening.ts';
import type { Scope } from '../../src/domain/scope.ts';
import type { ServerLimits, TaskRequest } from '../../src/domain/task-request.ts';
import type { Task } from '../../src/domain/task.ts';
import type { TaskToken } from '../../src/domain/task-token.ts';
import { aTask, aToken, anAgent, T0 } from '../support/fixtures.ts';

export const LIMITS: ServerLimits = {
  accessTokenSeconds: 600,
  refreshTokenSeconds: 2_592_000,
  handOffSeconds: 120,
  taskDefaultSeconds: 3600,
  taskMaxSeconds: 2_592_000,
  codeTaskSeconds: 2_592_000,
  refreshGraceSeconds: 30,
  maxDepth: 8,
  maxChildren: 100,
};

export const CHALLENGE = 'challenge-of-the-parent-process';
export const API = 'https://api.example.com';
export const MAIL = 'https://mail.example.com';
export const HOUR = 3_600_000;

/** What a story about one derivation may set; everything else is a parent of agent A that may be extended. */
export interface Scene {
  readonly request?: TaskRequest;
  readonly parent?: Partial<Task>;
  readonly token?: Partial<TaskToken>;
  readonly agent?: Partial<Agent>;
  readonly subjectRights?: Scope;
  readonly publicClient?: boolean;
  readonly pairAllowed?: boolean;
  readonly limits?: Partial<ServerLimits>;
  readonly now?: number;
}

/** The process of agent A that started the parent task. */
const OWN = { clientId: 'A', permissions: ['*:*'], tools: ['*'], resources: ['*'] };
/** Another agent that the parent names. */
export const DELEGATE = { ...OWN, clientId: 'B' };

export function sceneOf(scene: Scene = {}): DerivationInput {
  const parentTask = aTask({
    clientId: 'A',
    scope: ['reports:read', 'reports:write'],
    audiences: [API, MAIL],
    tools: ['search', 'mail'],
    resources: ['q1', 'q2'],
    delegates: ['B', 'C'],
    codeChallenge: CHALLENGE,
    expiresAt: T0 + HOUR,
    ...scene.parent,
  });
  return {
    request: scene.request ?? { answer: CHALLENGE },
    parentTask,
    parentToken: aToken(parentTask, scene.token),
    agent: anAgent({ ...OWN, ...scene.agent }),
    subjectRights: scene.subjectRights,
    publicClient: scene.publicClient ?? false,
    pairAllowed: scene.pairAllowed ?? false,
    limits: { ...LIMITS, ...scene.limits },
    now: scene.now ?? T0,
  };
}

/** Agent A derives a child from its own task. */
export function derive(scene: Scene = {}): Opening {
  const { request } = scene;
  return deriveChild(sceneOf({ ...scene, request: { answer: CHALLENGE, ...request } }));
}

/** Agent B, a delegate, derives a child from A's task. */
export function deriveAsDelegate(scene: Scene = {}): Opening {
  const { request, agent } = scene;
  return deriveChild(
    sceneOf({
      ...scene,
      agent: { ...DELEGATE, ...agent },
      request: { codeChallenge: 'challenge-of-B', ...request },
    }),
  );
}
