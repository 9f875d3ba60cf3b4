import { z } from 'zod';
import { TASK_ORIGINS } from '../../domain/task.ts';
import { isoTime } from '../fields.ts';

const PolicyFacts = z.array(
  z.object({
    name: z.string(),
    effect: z.enum(['allow', 'deny', 'bound']),
    reason: z.string(),
    max_depth: z.int().optional(),
    max_lifetime: z.int().optional().meta({ description: 'Seconds.' }),
  }),
);

const Reasons = z.record(z.string(), z.string());

const Consent = z.object({
  user_id: z.string(),
  grant: z.string(),
  at: isoTime,
  asked: z.string(),
  granted: z.string(),
  held_by: Reasons.meta({ description: 'By what the person had each right: `permission` or `role:…`.' }),
});

const Step = z.object({
  task_id: z.string(),
  client_id: z.string().nullable(),
  agent_name: z.string().nullable(),
  origin: z.enum(TASK_ORIGINS).nullable(),
  depth: z.int(),
  state: z.enum(['active', 'completed', 'failed', 'revoked', 'expired']).nullable(),
  opened_at: isoTime.nullable(),
  api_key: z
    .object({ key_id: z.string(), name: z.string().nullable() })
    .nullable()
    .meta({ description: 'The API key that opened it, if one did.' }),
  consent: Consent.nullable(),
  via_token_id: z.string().nullable().meta({ description: 'The parent’s token it was derived through.' }),
  hand_off_token_id: z.string().nullable(),
  scope_before: z.string().nullable().meta({ description: 'What that token held; null at the root.' }),
  scope_after: z.string(),
  token_id: z
    .string()
    .meta({ description: 'The token through which the chain goes on, or the explained one.' }),
  granted_by: Reasons.meta({
    description: 'Why that token has each right: `permission`, `role:…`, `parent`, `consent`.',
  }),
  policy: z.object({ hand_off: PolicyFacts, opened: PolicyFacts, issued: PolicyFacts }),
});

const Right = z.object({
  right: z.string(),
  consented: z.string().nullable().meta({ description: 'What the person approved that includes it.' }),
  path: z.array(
    z.object({
      task_id: z.string(),
      client_id: z.string().nullable(),
      before: z.string().nullable().meta({ description: 'What of the parent’s token includes it.' }),
      after: z.string().nullable().meta({ description: 'What of the task includes it.' }),
      granted_by: z.string().nullable(),
      ceiling: z.string().nullable().meta({
        description: 'By what the agent may hold it now: `permission` or `role:…`; null = not any more.',
      }),
      policy: z.array(z.string()).meta({ description: 'Names of the policies that decided at this step.' }),
    }),
  ),
});

/** Why a token may do what it may. */
export const ExplanationRow = z.object({
  token_id: z.string(),
  kind: z.enum(['access', 'refresh', 'handoff']).nullable(),
  is_live: z.boolean(),
  state: z.enum(['live', 'expired', 'revoked', 'consumed', 'task_ended', 'removed']),
  ended_by: z
    .object({
      kind: z.enum(['token', 'token_self', 'task', 'grant', 'agent', 'user']),
      handle: z.string(),
      task_id: z.string().nullable().meta({ description: 'Where in the chain: this task or one above it.' }),
      at: isoTime.nullable(),
      reason: z.string().nullable(),
      actor: z.string().nullable(),
    })
    .nullable(),
  client_id: z.string().nullable(),
  task_id: z.string().nullable(),
  audience: z.string().nullable(),
  scope: z.string(),
  issued_at: isoTime.nullable(),
  expires_at: isoTime.nullable(),
  subject: z
    .object({ kind: z.enum(['user', 'agent']), id: z.string(), name: z.string().nullable() })
    .nullable(),
  scopes: z.array(Right),
  steps: z.array(Step).meta({ description: 'The tasks from the root down to the one of the token.' }),
  task_chain: z
    .string()
    .nullable()
    .meta({ description: 'Where the whole chain is, with the widenings that were refused.' }),
  no_longer_known: z.array(z.string()).meta({ description: 'What was removed after its retention time.' }),
});
