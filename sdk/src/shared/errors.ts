import type { Answer } from './answer.ts';

export interface TaskgrantErrorOptions {
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  readonly taskError?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfter?: number | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * Everything that the server refuses and everything that goes wrong on the way to it. Never holds a token, a secret or
 * a request: only what the server said, and what was asked of whom.
 *
 * When a caller's own `AbortSignal` ends a call, the promise rejects with the reason of that signal instead.
 */
export class TaskgrantError extends Error {
  override readonly name: string = 'TaskgrantError';
  /** HTTP status; undefined when no answer came. */
  declare readonly status: number | undefined;
  /**
   * `error` of RFC 6749 §5.2 at OAuth endpoints, `code` of the problem document (RFC 9457) elsewhere. Made here:
   * `network_error`, `timeout`, `answer_invalid`, `issuer_mismatch`, `option_invalid`, `origin_refused`,
   * `authorization_refused`, `unsupported`, `task_ended`, `closed`.
   */
  readonly code: string;
  /** `task_error`: why the task engine refused (docs/errors.md); undefined for any other refusal. */
  declare readonly taskError: string | undefined;
  /** Finds the request in the server's log and audit trail. */
  declare readonly requestId: string | undefined;
  /** Whether the same call may succeed later: no answer, 429, or a failure of the server. */
  declare readonly retryable: boolean;
  /** Seconds to wait, when the server said so. */
  declare readonly retryAfter: number | undefined;
  /** The answer's body as the server sent it, for instance with `invalid_permissions`. */
  declare readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: TaskgrantErrorOptions = {}) {
    super(message);
    this.code = code;
    const { retryable = false, details = {}, ...rest } = options;
    Object.assign(this, { ...rest, retryable, details });
  }
}

/** At REST routes the reason of the task engine is the `code` itself. */
const TASK_ERROR = /^(parent|challenge|leaf)_|_(mismatch|exceeded|not_active|not_permitted|taken|denied)$/;

/** The error that an answer stands for; undefined for one of success (2xx). */
export function errorOf({ status, headers, body }: Answer): TaskgrantError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const details = isRecord(body) ? body : {};
  const code = text(details['code']);
  const said = text(details['error_description']) ?? text(details['detail']);
  return new TaskgrantError(
    text(details['error']) ?? code ?? `http_${status}`,
    said ?? `the server answered ${status}`,
    {
      status,
      details,
      taskError: text(details['task_error']) ?? (code && taskErrorOf(code)),
      requestId: headers.get('x-request-id') ?? undefined,
      retryable: status === 429 || status >= 500,
      retryAfter: secondsUntil(headers.get('retry-after')),
    },
  );
}

function taskErrorOf(code: string): string | undefined {
  if (code.endsWith('_not_subset')) return 'not_subset';
  return TASK_ERROR.test(code) ? code : undefined;
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function secondsUntil(field: string | null): number | undefined {
  if (field === null) return undefined;
  const seconds = /^\d{1,9}$/.test(field) ? Number(field) : (Date.parse(field) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
