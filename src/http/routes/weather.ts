import { z } from 'zod';
import { recordAccess } from '../../app/tasks/record-access.ts';
import type { AppContext } from '../../app/context.ts';
import { covers } from '../../domain/scope.ts';
import { scopeMissing } from '../challenge.ts';
import { type BoundRoute, contract, route } from '../contract.ts';

const NEEDED = ['read_weather'];

const weather = contract({
  method: 'get',
  path: '/data/weather',
  access: 'example',
  summary: 'An example of an API that one permission protects: read_weather.',
  tags: ['Example API'],
  returns: {
    status: 200,
    body: z.object({ message: z.string(), agent_id: z.string(), task_id: z.string() }),
  },
});

/** The protected data of the AgentAuth quick start. */
export function weatherRoutes(context: AppContext): BoundRoute[] {
  return [
    route(weather, async ({ caller }) => {
      const { token, task } = caller.bearer;
      if (!covers(token.scope, NEEDED)) throw scopeMissing(NEEDED);
      await recordAccess(context, caller, caller.bearer);
      return { message: 'Protected weather data', agent_id: token.clientId, task_id: task.taskId };
    }),
  ];
}
