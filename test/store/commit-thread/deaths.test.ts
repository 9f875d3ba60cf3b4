import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Trouble, trouble } from '../../support/failing-commits.ts';
import { commitMany, type Committing, FAILING, openCommitting, worksAgain } from '../committing.ts';
import { sqlitePlace } from '../databases.ts';

const STEPS = ['BEGIN', 'INSERT INTO tasks', 'INSERT INTO audit_events', 'COMMIT'];
const DEATHS = STEPS.flatMap((at) => [[at, 'before'] as const, [at, 'after'] as const]);

/** One for each story. Opened before all of them: Jest takes no import of a migration while tests run side by side. */
let opened: Committing[];
let unused: Committing[];

beforeAll(async () => {
  opened = [];
  for (let i = 0; i <= DEATHS.length; i += 1) opened.push(await openCommitting(await sqlitePlace(), FAILING));
  unused = [...opened];
});
afterAll(async () => {
  for (const { store, place } of opened) {
    await store.close();
    await place.remove();
  }
});

/** A database of its own whose thread meets this trouble. */
function troubled(what: Trouble): Committing {
  const committing = unused.pop();
  if (!committing) throw new Error('there is no database for each story');
  trouble(committing.place.settings.dataDir, what);
  return committing;
}

/** A new thread is not started at once: the stories wait for it side by side. */
describe('a thread that commits', () => {
  test.concurrent.each(DEATHS)(
    'that dies at %s, %s it, is known by what it had committed',
    async (at, dies) => {
      const committing = troubled({ at, dies, times: 1 });
      // The attempt after it is the main connection's.
      expect(await commitMany(committing)).toEqual({ committed: 100, refused: 0 });
      expect(committing.ends).toHaveLength(1);
      await worksAgain(committing);
      expect(await commitMany(committing)).toEqual({ committed: 100, refused: 0 });
    },
  );

  test.concurrent('that dies again and again is done without', async () => {
    const committing = troubled({ at: 'COMMIT', dies: 'before', times: 1000 });
    for (let i = 0; i < 3; i += 1) {
      expect(await commitMany(committing)).toEqual({ committed: 100, refused: 0 });
    }
    await worksAgain(committing);
  });
});
