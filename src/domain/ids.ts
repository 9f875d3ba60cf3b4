import { DomainError } from './errors.ts';

/** R3: what a client may choose as a task id; `.` and `..` mean something else in a path (RFC 3986 §5.2.4). */
export const TASK_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/;
const DESCRIPTION_MAX = 500;
// biome-ignore lint: control characters are what this expression looks for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** @throws DomainError `parameter_invalid` when the id does not match `[A-Za-z0-9._~-]{1,128}` (R3) or is a dot segment. */
export function checkTaskId(value: string): string {
  if (!TASK_ID.test(value)) {
    throw new DomainError(
      'parameter_invalid',
      'task_id must match [A-Za-z0-9._~-]{1,128}, and not be . or ..',
    );
  }
  return value;
}

/** @throws DomainError `parameter_invalid` beyond 500 characters or with control characters (R16). */
export function checkDescription(value: string): string {
  if ([...value].length > DESCRIPTION_MAX) {
    throw new DomainError(
      'parameter_invalid',
      `task_description may have at most ${DESCRIPTION_MAX} characters`,
    );
  }
  if (CONTROL.test(value)) {
    throw new DomainError('parameter_invalid', 'task_description must not contain control characters');
  }
  return value;
}
