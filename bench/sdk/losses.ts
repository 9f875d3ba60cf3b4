import { setTimeout } from 'node:timers/promises';
import type { Finding } from '../cases/contest.ts';
import { makeMany } from '../process/requests.ts';
import { type ProtectedApi, statusAt } from '../sides/protected-api.ts';
import { openTask, type Taskgrant, type Token } from '../sides/taskgrant.ts';
import type { CuttableProxy } from './cuttable-proxy.ts';
import { revoke } from './revoking.ts';

/** Revoked in three parts: before, while and after something is away; as many are kept. */
const PART = 12;
const SETTLED_WITHIN_MS = 10_000;
const AWAY_MS = 300;

interface Scene {
  readonly taskgrant: Taskgrant;
  readonly apis: readonly ProtectedApi[];
  /** Between the first of the APIs and the feed. */
  readonly proxy: CuttableProxy;
}

/**
 * Something is killed and comes back. `meanwhile` revokes, where somebody is there to do it, and gives the tokens that
 * are revoked by then. @returns how many of them were let in where none may be, not even for a moment
 */
type Accident = (scene: Scene, meanwhile: () => Promise<readonly Token[]>) => Promise<number>;

const ACCIDENTS: Readonly<Record<string, Accident>> = {
  async 'the server'({ taskgrant }, meanwhile) {
    taskgrant.kill();
    await taskgrant.restart();
    await meanwhile();
    return 0;
  },
  async 'a resource server'({ apis: [api] }, meanwhile) {
    if (!api) throw new Error('there is no resource server');
    api.kill();
    const revoked = await meanwhile();
    await api.restart();
    // It listens once it knows all that was revoked before.
    return countStatus([api], revoked, isLetIn);
  },
  async 'the connection'({ proxy }, meanwhile) {
    proxy.cut();
    await meanwhile();
    await setTimeout(AWAY_MS);
    proxy.mend();
    return 0;
  },
};

/** Each is killed in turn while tokens are being revoked; afterwards every API must know all that was. */
export async function losses(name: string, scene: Scene, rounds: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [what, accident] of Object.entries(ACCIDENTS)) {
    let revoked = 0;
    let lost = 0;
    let refused = 0;
    for (let round = 0; round < rounds; round += 1) {
      const tokens = await makeMany(PART * 6, () => openTask(scene.taskgrant));
      const [ended, kept] = [tokens.slice(0, PART * 3), tokens.slice(PART * 3)];
      lost += await during(scene, accident, ended);
      revoked += ended.length;
      lost += await stillLetIn(scene, ended);
      refused += await notLetIn(scene, kept);
    }
    findings.push({
      what: `${name}: killing ${what} loses no revocation, and no other token`,
      found: `${lost} of ${revoked} lost, ${refused} others refused, at ${scene.apis.length} resource servers`,
      met: lost === 0 && refused === 0,
    });
  }
  return findings;
}

async function during(scene: Scene, accident: Accident, tokens: readonly Token[]): Promise<number> {
  const { taskgrant } = scene;
  const revokePart = async (part: number) => {
    const administrator = await taskgrant.administrator();
    const until = (part + 1) * PART;
    // One after the other: the last one was answered just before the accident.
    for (const token of tokens.slice(part * PART, until)) await revoke(taskgrant, administrator, token);
    return tokens.slice(0, until);
  };
  await revokePart(0);
  const letIn = await accident(scene, () => revokePart(1));
  await revokePart(2);
  return letIn;
}

const isLetIn = (status: number) => status !== 401;

/** How many tokens some API still lets in when it has had time to hear of their end. */
async function stillLetIn({ apis }: Scene, tokens: readonly Token[]): Promise<number> {
  const until = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const lost = await countStatus(apis, tokens, isLetIn);
    if (lost === 0 || performance.now() > until) return lost;
    await setTimeout(20);
  }
}

async function notLetIn({ apis }: Scene, tokens: readonly Token[]): Promise<number> {
  return countStatus(apis, tokens, (status) => status !== 200);
}

async function countStatus(
  apis: readonly ProtectedApi[],
  tokens: readonly Token[],
  wrong: (status: number) => boolean,
): Promise<number> {
  const statuses = await makeMany(tokens.length, (i) =>
    Promise.all(apis.map((api) => statusAt(api, tokens[i]?.access_token ?? ''))),
  );
  return statuses.filter((each) => each.some(wrong)).length;
}
