import { type Agent, requireActive } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { notEndedSince } from '../agents/find-agent.ts';
import { requireUnended } from '../issuance/refresh-task.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import type { Conditions } from '../unit-of-work.ts';
import type { ProvenAgent } from './authenticate-api-key.ts';

/**
 * Whoever showed an API key is told something because of it only while the key works and its agent is active.
 * @throws DomainError `agent_not_active`.
 */
export function keyStillWorks({ clock }: Pick<AppContext, 'clock'>, { agent, key }: ProvenAgent): Conditions {
  requireActive(agent);
  const { keyId, clientId } = key;
  const miss = new DomainError('grant_revoked', 'the API key was ended meanwhile');
  return {
    guards: [notEndedSince(agent, new DomainError('agent_not_active', 'the agent was ended meanwhile'))],
    changes: [{ do: 'use_api_key', keyId, clientId, task: null, at: clock.now(), miss }],
  };
}

/**
 * Whoever showed a refresh token is told something because of it only while neither that nor its task has ended. One
 * that was used will do: what it brought is what is told.
 * @throws DomainError `agent_not_active`, `grant_expired`, `grant_revoked`, `task_not_active`.
 */
export function tokenStillStands(agent: Agent, found: ResolvedToken): Conditions {
  requireActive(agent);
  requireUnended(found);
  const revoked = new DomainError('grant_revoked', 'the refresh token was revoked meanwhile');
  const expired = new DomainError('grant_expired', 'the refresh token has expired meanwhile');
  const ended = new DomainError('task_not_active', 'the task has ended');
  return {
    guards: [{ live: found, miss: revoked, until: { at: found.token.expiresAt, miss: expired } }],
    changes: [{ do: 'require_active_task', handle: found.task.handle, miss: ended }],
  };
}
