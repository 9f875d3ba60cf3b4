import { expect } from '@jest/globals';
import { type FeedFollower, type FeedRow, followFeed } from '../../support/feed-follower.ts';
import { madeOnce } from '../../support/made.ts';
import { asAdmin, registerAgent, registerResourceServer } from '../../support/parties.ts';
import { send } from '../../support/requests.ts';
import { startServer } from '../../support/server.ts';
import { open, type OpenTask } from '../../support/token-requests.ts';

/** A server with a resource server that may follow what it revokes, and an agent with tasks to revoke. */
export function revocationsScene() {
  const followers: FeedFollower[] = [];
  const on = madeOnce(
    async () => {
      const server = await startServer({
        settings: { revocations: { followersPerClient: 3 } },
        env: { RATE_LIMIT_AUTHENTICATION_FAILURES_PER_CLIENT: '5' },
      });
      return { server, api: await registerResourceServer(server), agent: await registerAgent(server) };
    },
    async ({ server }) => {
      for (const follower of followers) await follower.close();
      await server.stop();
    },
  );

  async function follow(query = '', headers: Record<string, string> = on.api.headers): Promise<FeedFollower> {
    const follower = await followFeed(on.server, headers, query);
    followers.push(follower);
    return follower;
  }

  async function page(query = '', headers: Record<string, string> = on.api.headers) {
    const answer = await send(on.server, `/api/revocations${query}`, { headers });
    expect(answer.status).toBe(200);
    return answer.body as { revocations: FeedRow[]; next: number; head: number; at: number };
  }

  /** Answers the handle that the ledger holds then. */
  async function endTask(task: OpenTask): Promise<string> {
    const answer = await asAdmin(on.server, 'POST', `/api/tasks/${task.taskId}/revoke`, {});
    expect(answer.status).toBe(200);
    return handleOf(task);
  }

  return {
    on,
    follow,
    page,
    endTask,
    aRevokedTask: async () => endTask(await open(on.server, on.agent)),
  };
}

export const handleOf = (task: OpenTask): string => task.body.task.handle;
