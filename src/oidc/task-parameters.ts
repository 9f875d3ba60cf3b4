import { DomainError } from '../domain/errors.ts';
import { checkDescription, checkTaskId } from '../domain/ids.ts';
import { parseScope } from '../domain/scope.ts';
import type { TaskRequest } from '../domain/task-request.ts';
import { type AgentTaskObject, readAgentTask } from './agent-task-object.ts';

/** Parameters that any grant takes beside its own (design §3). */
export const TASK_PARAMETERS = [
  'task_id',
  'task_description',
  'parent_task_id',
  'delegates',
  'required_tools',
  'required_resources',
  'task_expires_in',
  'max_depth',
  'max_children',
] as const;

/** Parameters that may be repeated; every other one is refused when it comes twice. */
export const LIST_PARAMETERS: ReadonlySet<string> = new Set([
  'delegates',
  'required_tools',
  'required_resources',
  'resource',
  'audience',
]);

/** The empty list as a parameter: a list of names, separated by spaces, that holds none. */
export const NO_NAMES = ' ';

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const NAME = /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/;
const MAX_NAMES = 100;
const MAX_SECONDS = 315_360_000;

export type Params = Readonly<Record<string, string | string[] | undefined>>;

export interface ParsedTask {
  readonly request: TaskRequest;
  /** RFC 8707 `resource` values as sent (also `locations` of the RFC 9396 form). */
  readonly resources: readonly string[];
  readonly detailed: boolean;
}

interface Reading {
  readonly sha256: (value: string) => string;
  readonly keyThumbprint?: string | undefined;
}

/**
 * Reads both forms into one request (R12).
 * @throws DomainError `parameter_invalid`, `details_invalid`, or `parameters_conflict` when both forms are sent with
 * different values.
 */
export function readTaskParameters(params: Params, reading: Reading): ParsedTask {
  const simple = readSimple(params);
  const details = single(params, 'authorization_details');
  const object = details === undefined ? undefined : readAgentTask(details);
  const merged = object ? merge(simple, object) : simple;
  return {
    request: {
      ...merged.request,
      codeChallenge: readChallenge(params),
      answer: readAnswer(params, reading),
      keyThumbprint: reading.keyThumbprint,
      scope: optional(single(params, 'scope'), parseScope),
      parentTaskId: optional(single(params, 'parent_task_id'), checkTaskId),
      expiresIn: readInteger(params, 'task_expires_in', 1, MAX_SECONDS),
    },
    resources: merged.resources ?? [],
    detailed: object !== undefined,
  };
}

type TwoForms = Omit<AgentTaskObject, 'resources'> & { readonly resources?: readonly string[] | undefined };
interface Simple {
  readonly request: TwoForms & Pick<TaskRequest, 'resources'>;
  readonly resources: readonly string[] | undefined;
}

function readSimple(params: Params): Simple {
  return {
    request: {
      taskId: optional(single(params, 'task_id'), checkTaskId),
      description: optional(single(params, 'task_description'), checkDescription),
      tools: readNames(params, 'required_tools'),
      resources: readNames(params, 'required_resources'),
      delegates: readNames(params, 'delegates'),
      maxDepth: readInteger(params, 'max_depth', 0, 16),
      maxChildren: readInteger(params, 'max_children', 0, 1_000_000),
    },
    resources: readList(params, 'resource'),
  };
}

/** The simple parameter for each member of the standard form. */
const PARAMETER_OF = {
  taskId: 'task_id',
  description: 'task_description',
  tools: 'required_tools',
  locations: 'resource',
  delegates: 'delegates',
  maxDepth: 'max_depth',
  maxChildren: 'max_children',
} as const satisfies Record<keyof AgentTaskObject, string>;

function merge(simple: Simple, object: AgentTaskObject): Simple {
  const { locations, ...rest } = object;
  const request: Record<string, unknown> = { ...simple.request };
  for (const [name, value] of Object.entries(rest)) {
    request[name] = agree(PARAMETER_OF[name as keyof typeof rest], request[name], value);
  }
  return {
    request: request,
    resources: agree(PARAMETER_OF.locations, simple.resources, locations) as readonly string[] | undefined,
  };
}

function agree(parameter: string, simple: unknown, standard: unknown): unknown {
  if (simple === undefined || standard === undefined) return standard ?? simple;
  if (JSON.stringify(sorted(simple)) === JSON.stringify(sorted(standard))) return standard;
  throw new DomainError(
    'parameters_conflict',
    `${parameter} differs between authorization_details and the simple parameters`,
  );
}

function sorted(value: unknown): unknown {
  return Array.isArray(value) ? [...value].map(String).sort((a, b) => (a < b ? -1 : 1)) : value;
}

/** R7: the method must be present and `S256`; `plain` is refused everywhere (S5). */
function readChallenge(params: Params): string | undefined {
  const challenge = single(params, 'code_challenge');
  const method = single(params, 'code_challenge_method');
  if (challenge === undefined && method === undefined) return undefined;
  if (challenge === undefined) throw new DomainError('challenge_required', 'code_challenge is missing');
  if (method !== 'S256') throw new DomainError('challenge_required', 'code_challenge_method must be S256');
  if (!CHALLENGE.test(challenge)) {
    throw new DomainError(
      'parameter_invalid',
      'code_challenge must be 43 base64url characters (RFC 7636 section 4.2)',
    );
  }
  return challenge;
}

function readAnswer(params: Params, { sha256 }: Reading): string | undefined {
  const verifier = single(params, 'code_verifier');
  if (verifier === undefined) return undefined;
  if (!VERIFIER.test(verifier)) {
    throw new DomainError(
      'verifier_mismatch',
      'code_verifier must be 43 to 128 unreserved characters (RFC 7636 section 4.1)',
    );
  }
  return sha256(verifier);
}

function single(params: Params, name: string): string | undefined {
  const value = params[name];
  if (Array.isArray(value)) throw new DomainError('parameter_invalid', `${name} must not be sent twice`);
  return value;
}

function optional<T>(value: string | undefined, read: (value: string) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readList(params: Params, name: string): string[] | undefined {
  const value = params[name];
  return value === undefined ? undefined : [value].flat();
}

/** Names are sent repeated or separated by spaces; a single space is the empty list ("none", R1). */
function readNames(params: Params, name: string): string[] | undefined {
  const names = readList(params, name)
    ?.flatMap((value) => value.split(' '))
    .filter((value) => value !== '');
  if (names === undefined) return undefined;
  if (names.length > MAX_NAMES || names.some((value) => !NAME.test(value))) {
    throw new DomainError(
      'parameter_invalid',
      `${name} must be at most ${MAX_NAMES} names of 1 to 200 visible characters`,
    );
  }
  return [...new Set(names)];
}

function readInteger(params: Params, name: string, least: number, most: number): number | undefined {
  const value = single(params, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw new DomainError('parameter_invalid', `${name} must be a whole number from ${least} to ${most}`);
  }
  return number;
}
