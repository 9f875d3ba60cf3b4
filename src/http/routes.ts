import type { AppContext } from '../app/context.ts';
import type { BoundRoute } from './contract.ts';
import { adminAuditRoutes } from './routes/admin-audit.ts';
import { adminStatsRoutes } from './routes/admin-stats.ts';
import { adminTaskRoutes } from './routes/admin-tasks.ts';
import { adminTokenRoutes } from './routes/admin-tokens.ts';
import { exampleApiRoutes } from './routes/example-api.ts';
import { healthRoutes } from './routes/health.ts';
import { taskRoutes } from './routes/tasks.ts';

/** Every route of the REST API. */
export function createRoutes(context: AppContext, ping: () => Promise<void>): BoundRoute[] {
  return [
    ...taskRoutes(context),
    ...adminTokenRoutes(context),
    ...adminAuditRoutes(context),
    ...adminTaskRoutes(context),
    ...adminStatsRoutes(context),
    ...exampleApiRoutes(context),
    ...healthRoutes({ ping }),
  ];
}
