import { DomainError } from './errors.ts';
import { SHOWN_TEXT } from './shown-text.ts';

/** R3: what a client may choose as a task id; `.` and `..` mean something else in a path (RFC 3986 §5.2.4). */
export const TASK_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/;
const DESCRIPTION_MAX = 500;
export const REASON_MAX = 500;

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
  if (!SHOWN_TEXT.test(value)) {
    throw new DomainError('parameter_invalid', 'task_description must not contain control characters');
  }
  return value;
}

/**
 * Why somebody ends something, in their own words.
 * @throws DomainError `parameter_invalid` beyond 500 UTF-16 units or with control characters.
 */
export function checkReason(value: string): string {
  if (value.length > REASON_MAX) {
    throw new DomainError('parameter_invalid', `reason may have at most ${REASON_MAX} characters`);
  }
  if (!SHOWN_TEXT.test(value)) {
    throw new DomainError('parameter_invalid', 'reason must not contain control characters');
  }
  return value;
}
