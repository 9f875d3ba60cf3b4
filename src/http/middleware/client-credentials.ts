import type { AppContext } from '../../app/context.ts';
import { authenticateClient, mayFollow } from '../../app/resource-servers/authenticate-client.ts';
import type { Agent } from '../../domain/agent.ts';
import { BASIC_CHALLENGE } from '../challenge.ts';
import type { Guessing, Outcome } from '../guessing.ts';
import { Problem } from '../problem.ts';
import type { RequestContext } from '../state.ts';

/** The resource server that the request proves with its own credentials; undefined when it shows none. */
export type ProveResourceServer = (ctx: RequestContext) => Promise<Agent | undefined>;

const BASIC = /^Basic +(.*)$/i;
const MOST_CHARACTERS = 2048;

/**
 * HTTP Basic with a client id and secret (RFC 6749 §2.3.1), as at introspection. Failures count towards the limits on
 * guessing and stand in the audit trail.
 * @throws Problem 401, 403, 429 from the returned function.
 */
export function createProveResourceServer(context: AppContext, guessing: Guessing): ProveResourceServer {
  return async (ctx) => {
    const encoded = BASIC.exec(ctx.get('Authorization'))?.[1];
    if (encoded === undefined) return undefined;
    const credentials = readBasic(encoded);
    const proven = await guessing(ctx, credentials?.clientId ?? '', async (): Promise<Outcome<Agent>> => {
      const agent = credentials && (await authenticateClient(context, credentials));
      return agent ? { proven: agent, agent } : { refused: clientRefused() };
    });
    if (!mayFollow(proven)) throw notAResourceServer(proven);
    return proven;
  };
}

function readBasic(encoded: string): { clientId: string; secret: string } | undefined {
  if (encoded.length > MOST_CHARACTERS || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    return { clientId: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}

/** RFC 6749 §2.3.1: both are form-urlencoded. @throws URIError when they are not. */
function formDecoded(value: string): string {
  return decodeURIComponent(value.replaceAll('+', ' '));
}

function clientRefused(): Problem {
  return new Problem(401, 'invalid_client', 'the client id and secret prove no client', {
    headers: { 'WWW-Authenticate': BASIC_CHALLENGE },
    fact: { type: 'client_authentication_failed', reason: 'invalid_client' },
  });
}

/** R11: a client that has proved itself is told that it may not, and never that it is unknown. */
function notAResourceServer({ clientId, state }: Agent): Problem {
  const why = state === 'active' ? 'only resource servers may ask this' : `the client is ${state}`;
  return new Problem(403, 'unauthorized_client', why, { fact: { clientId } });
}
