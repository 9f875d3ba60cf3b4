import { authorize, giveConsent } from './plays/authorizing.ts';
import { changeAgent, changeUser, cutRights, endTask, revokeToken, withdrawConsent } from './plays/ending.ts';
import { derive, handOff, join, open, redeem, refresh } from './plays/issuing.ts';
import { expectFate, expectSame } from './compare.ts';
import type { Door } from './door.ts';
import { type Fate, fateOf, type ModelToken } from './model/nouns.ts';
import type { Kind, Operation } from './operations.ts';
import { choose, createScene, type Scene } from './scene.ts';

/** Plays one operation and answers the audit events that it must have written, or undefined when nothing was done. */
export type Play = (scene: Scene, operation: Operation) => Promise<readonly string[] | undefined>;

const PLAYS: Record<Kind, Play> = {
  open,
  derive,
  'hand off': handOff,
  redeem,
  refresh,
  join,
  consent: giveConsent,
  authorize,
  'revoke token': revokeToken,
  'end task': endTask,
  'withdraw consent': withdrawConsent,
  suspend: (scene, operation) => changeAgent(scene, operation, 'suspended'),
  reinstate: (scene, operation) => changeAgent(scene, operation, 'active'),
  delete: (scene, operation) => changeAgent(scene, operation, 'deleted'),
  'cut rights': cutRights,
  disable: (scene, operation) => changeUser(scene, operation, 'disabled'),
  enable: (scene, operation) => changeUser(scene, operation, 'active'),
  'sign out': (scene, operation) => changeUser(scene, operation, 'signed_out'),
  wait: async ({ door, trace }, { seconds }) => {
    door.wait(seconds);
    trace.push(`${seconds} s pass`);
    return undefined;
  },
};

/** Plays a sequence from nothing. @throws when server and model disagree; the message ends with the last steps. */
export async function play(door: Door, operations: readonly Operation[]): Promise<Scene> {
  const scene = await createScene(door);
  try {
    let fates: ReadonlyMap<ModelToken, Fate> = new Map();
    for (const operation of operations) fates = await step(scene, operation, fates);
    await expectFates(scene, scene.tokens);
    await door.inspect(scene.told);
  } catch (error) {
    const steps = scene.trace.slice(-25).map((line) => `  ${line}`);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${steps.join('\n')}`, {
      cause: error,
    });
  }
  return scene;
}

/** `before`: what became of the tokens so far. Answers what has become of them, with those that the step made. */
async function step(
  scene: Scene,
  operation: Operation,
  before: ReadonlyMap<ModelToken, Fate>,
): Promise<ReadonlyMap<ModelToken, Fate>> {
  const { door } = scene;
  scene.trace.push(operation.do);
  const told = await PLAYS[operation.do](scene, operation);
  const actually = door.told();
  if (told !== undefined && actually !== undefined) expectSame(actually, told);
  for (const type of told ?? []) scene.told.set(type, (scene.told.get(type) ?? 0) + 1);
  const after = fatesOf(scene);
  const changed = scene.tokens.filter((token) => before.get(token) !== after.get(token));
  const spots = [0, 7, 31].flatMap((n) => choose(scene.tokens, operation.target + n) ?? []);
  await expectFates(scene, [...new Set([...changed, ...spots])]);
  return after;
}

function fatesOf({ tokens, door }: Scene): Map<ModelToken, Fate> {
  const now = door.now();
  return new Map(tokens.map((token) => [token, fateOf(token, now)]));
}

async function expectFates({ door }: Scene, tokens: readonly ModelToken[]): Promise<void> {
  await Promise.all(tokens.map((token) => expectFate(door, token)));
}
