import { z } from 'zod';
import { parseBoundedJson } from '../domain/bounded-json.ts';
import { DomainError } from '../domain/errors.ts';
import { checkDescription, checkTaskId } from '../domain/ids.ts';

/** The type name of our one RFC 9396 authorization detail. */
export const AGENT_TASK = 'agent_task';

const Name = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/);
const Names = z.array(Name).max(100);

const AgentTask = z.strictObject({
  type: z.literal(AGENT_TASK),
  identifier: z.string().optional(),
  description: z.string().optional(),
  actions: Names.optional(),
  locations: z.array(z.string().max(2048)).min(1).max(20).optional(),
  delegation: z
    .strictObject({
      max_depth: z.int().min(0).max(16).optional(),
      max_children: z.int().min(0).max(1_000_000).optional(),
      allowed_delegates: Names.optional(),
    })
    .optional(),
});

/** What the standard form says, under the names of the engine. */
export interface AgentTaskObject {
  readonly taskId?: string | undefined;
  readonly description?: string | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly locations?: readonly string[] | undefined;
  readonly delegates?: readonly string[] | undefined;
  readonly maxDepth?: number | undefined;
  readonly maxChildren?: number | undefined;
}

/**
 * Reads `authorization_details`: one object of type `agent_task`. RFC 9396 §5 wants unknown types and members
 * refused.
 * @throws DomainError `details_invalid`.
 */
export function readAgentTask(json: string): AgentTaskObject {
  const parsed = AgentTask.safeParse(soleElement(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
    throw new DomainError(
      'details_invalid',
      `authorization_details${where}: ${issue?.message ?? 'malformed'}`,
    );
  }
  const { identifier, description, actions, locations, delegation } = parsed.data;
  return {
    taskId: identifier === undefined ? undefined : checkTaskId(identifier),
    description: description === undefined ? undefined : checkDescription(description),
    tools: actions,
    locations,
    delegates: delegation?.allowed_delegates,
    maxDepth: delegation?.max_depth,
    maxChildren: delegation?.max_children,
  };
}

function soleElement(json: string): unknown {
  let value: unknown;
  try {
    value = parseBoundedJson(json);
  } catch {
    throw new DomainError('details_invalid', 'authorization_details is not JSON, or is nested too deeply');
  }
  if (!Array.isArray(value) || value.length !== 1) {
    throw new DomainError(
      'details_invalid',
      `authorization_details must hold one object of type ${AGENT_TASK}`,
    );
  }
  return value[0];
}
