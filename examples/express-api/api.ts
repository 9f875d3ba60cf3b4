import { accessOf, forExpress, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import express from 'express';

/** Notes, for agents that hold notes:read or notes:write. Tokens are checked here; what is revoked is known at once. */
export function createApi(options: Pick<ProtectOptions, 'issuer' | 'audience' | 'credentials'>) {
  const guard = protect({ ...options, scope: 'notes:read', scopes: ['notes:read', 'notes:write'] });
  const writing = guard.requiring({ scope: 'notes:write', task: 'required' });
  const notes: { text: string; by: string; task: string }[] = [];

  const app = express();
  // Routes with needs of their own come before the guard of the rest.
  app.post('/notes', forExpress(writing), express.json(), (request, response) => {
    const { clientId, task } = accessOf(request);
    notes.push({ text: String((request.body as { text?: unknown }).text), by: clientId, task: task.id });
    response.status(201).json({ notes: notes.length });
  });
  app.use(forExpress(guard));
  app.get('/notes', (_request, response) => void response.json({ notes }));

  return { listener: app, ready: () => guard.ready(), close: () => guard.close() };
}
