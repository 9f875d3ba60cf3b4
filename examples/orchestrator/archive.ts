import { type Access, forNode, protect } from '@taskgrant/sdk/resource';
import type { CreateApi } from '../stage/stage.ts';

/** An archive that tells of every page which is read: by which agent, for which task. */
export function createArchive(onRead: (access: Access) => void): CreateApi {
  return (options) => {
    const guard = protect({ ...options, scope: 'archive:read' });
    const listener = forNode(guard, (request, response, access) => {
      onRead(access);
      response.end(JSON.stringify({ page: request.url, text: 'It was a dark and stormy night.' }));
    });
    return { listener, ready: () => guard.ready(), close: () => guard.close() };
  };
}
