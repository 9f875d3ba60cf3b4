import { expect, test } from '@jest/globals';
import { runReadme } from './run-readme.ts';

/** As a reader runs it: with a throw-away server of its own. */
test('an orchestrator cuts off one worker while the other goes on', async () => {
  const told = await runReadme('orchestrator');
  expect(told).toMatch(/^ {2}it uses its hand-off a second time: invalid_grant, parent_revoked$/m);
  expect(told).toMatch(/^ {2}Read 20 pages: completed$/m);
  expect(told).toMatch(/^ {2}Read a page or two: revoked \(reads too much\)$/m);
});
