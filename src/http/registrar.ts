import type { Registrar } from '../app/agents/register-agent.ts';
import type { AppContext } from '../app/context.ts';
import type { RequestCaller } from './caller.ts';
import { scopeMissing, tokenMissing } from './challenge.ts';

/** Where a token is needed, its absence is a challenge to bring one (RFC 6750 §3), not a mere refusal. */
export function registrarOf({ settings }: AppContext, caller: RequestCaller): Registrar {
  if (caller.administers('admin:write')) return 'administrator';
  if (settings.registration !== 'token') return 'anyone';
  const scope = ['admin:write'];
  throw caller.bearer ? scopeMissing(scope) : tokenMissing({ scope });
}
