import type { ServerResponse } from 'node:http';
import helmet from 'koa-helmet';
import type { RequestContext, RequestMiddleware } from '../state.ts';

/** Where answers hold credentials, or what an agent may do at this moment: nobody keeps those. */
const ANSWERS_OF_AGENTS = /^\/(api|agents|auth|data|webhooks|permissions)(\/|$)/;

/** What only means something to a browser that shows the answer as a document of its own. */
const FOR_DOCUMENTS = new Set([
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
]);

/**
 * Headers for answers that are data: nothing in them may be run, framed or cached. Pages (sign-in, console) set
 * their own Content-Security-Policy.
 */
export function securityHeaders({ https }: { https: boolean }): RequestMiddleware {
  const forDocuments = helmetsHeaders(https);
  const forData = forDocuments.filter(([name]) => !FOR_DOCUMENTS.has(name.toLowerCase()));
  return ({ path, res }, next) => {
    const isData = ANSWERS_OF_AGENTS.test(path);
    if (isData) res.setHeader('Cache-Control', 'no-store');
    for (const [name, value] of isData ? forData : forDocuments) res.setHeader(name, value);
    return next();
  };
}

/** What helmet sets, which is the same for every request: so it is asked once. */
function helmetsHeaders(https: boolean): readonly (readonly [name: string, value: string])[] {
  const headers = new Map<string, string>();
  const res: Pick<ServerResponse, 'removeHeader'> & { setHeader(name: string, value: string): void } = {
    setHeader: (name, value) => void headers.set(name, value),
    removeHeader: (name) => void headers.delete(name),
  };
  const set: RequestMiddleware = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000 } : false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  void set({ req: {}, res } as unknown as RequestContext, async () => {});
  return [...headers];
}
