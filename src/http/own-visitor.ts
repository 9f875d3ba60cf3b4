import type { AgentVisitor } from '../app/agents/own-agent.ts';
import type { AdminRight, BearerCaller } from './caller.ts';

/** Self or administrator: what a request on an agent comes as. */
export function visitorOf(caller: BearerCaller, right: AdminRight): AgentVisitor {
  return caller.administers(right) ? 'administrator' : { bearer: caller.bearer };
}
