import { setTimeout } from 'node:timers/promises';
import type { Agent, HandOff } from '@taskgrant/sdk/agent';
import { refusal, tell } from '../stage/telling.ts';

/** What reaches a worker, wherever it runs: never a token of the orchestrator. */
export interface Order {
  readonly handOff: HandOff;
  readonly archive: string;
  readonly pages: number;
}

/** Reads the pages that it was asked for, one after the other. */
export function diligent(agent: Agent, { handOff, archive, pages }: Order): Promise<number> {
  return agent.accept(handOff, { description: `Read ${pages} pages` }, async (task) => {
    let read = 0;
    for (; read < pages; read += 1) {
      const response = await task.fetch(`${archive}/pages/${read}`);
      if (!response.ok) throw new Error(`page ${read}: ${response.status}`);
      await response.body?.cancel();
      await setTimeout(20);
    }
    return read;
  });
}

/** Tries to get more than it was given, and does not stop reading. Returns how far it got. */
export function greedy(agent: Agent, { handOff, archive }: Order): Promise<number> {
  return agent.accept(handOff, { description: 'Read a page or two' }, async (task) => {
    const wider = refusal(task.child({ scope: 'archive:read archive:burn' }));
    tell(`  the greedy worker asks for archive:burn: ${await wider}`);
    const again = refusal(agent.accept(handOff));
    tell(`  it uses its hand-off a second time: ${await again}`);
    for (let page = 0; ; page += 1) {
      const response = await task.fetch(`${archive}/pages/${page}`);
      await response.body?.cancel();
      if (!response.ok) throw new Error(`cut off after ${page} pages: ${response.status}`);
    }
  });
}
