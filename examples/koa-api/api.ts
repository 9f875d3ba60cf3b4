import { accessOf, forKoa, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import Koa from 'koa';

/** Reports, for tokens that are bound to a key. Exporting them is a tool, which the task must have been granted. */
export function createApi(options: Pick<ProtectOptions, 'issuer' | 'audience' | 'credentials'>) {
  const guard = protect({ ...options, scope: 'reports:read', dpop: 'required' });
  const exporting = guard.requiring({ scope: 'reports:read', tool: 'export' });

  const app = new Koa();
  // One guard for each request: a proof is good for one check.
  const [reads, exports] = [forKoa(guard), forKoa(exporting)];
  app.use((ctx, next) => (ctx.path === '/export' ? exports(ctx, next) : reads(ctx, next)));
  app.use((ctx) => {
    const { clientId, task, actor } = accessOf(ctx);
    ctx.body = { report: 'All is well.', path: ctx.path, for: clientId, task: task.id, actor };
  });
  return { listener: app.callback(), ready: () => guard.ready(), close: () => guard.close() };
}
