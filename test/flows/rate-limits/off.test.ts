import { expect, test } from '@jest/globals';
import { send } from '../../support/requests.ts';
import { startServer } from '../../support/server.ts';
import { LIMITS } from './limited-server.ts';

test('RATE_LIMITS=off counts nothing and tells nothing', async () => {
  const server = await startServer({ env: { RATE_LIMITS: 'off' }, settings: { limits: LIMITS } });
  const answers = [];
  for (let i = 0; i < 25; i += 1) answers.push(await send(server, '/permissions/list'));
  await server.stop();
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(answers[0]?.headers.get('ratelimit')).toBeNull();
});
