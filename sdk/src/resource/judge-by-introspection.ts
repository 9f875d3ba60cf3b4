import { type Introspect, IntrospectionUnavailable } from './introspection.ts';
import { type Judge, NOT_LIVE } from './verdict.ts';

/** The server judges every token. When it does not answer, nobody is let in. */
export function judgeByIntrospection(introspect: Introspect): Judge {
  return async (token) => {
    try {
      const access = await introspect(token);
      return access ? { is: 'live', access, tools: async () => access.tools ?? [] } : NOT_LIVE;
    } catch (error) {
      if (!(error instanceof IntrospectionUnavailable)) throw error;
      return { is: 'undecided', reason: 'server_unavailable', retryAfterSeconds: error.retryAfterSeconds };
    }
  };
}
