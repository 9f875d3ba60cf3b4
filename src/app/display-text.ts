import { DomainError } from '../domain/errors.ts';
import { UNPRINTABLE } from '../domain/shown-text.ts';

interface Bounds {
  /** Characters (code points), not bytes. */
  readonly min: number;
  readonly max: number;
}

export const NAME_LENGTH: Bounds = { min: 3, max: 100 };
export const DESCRIPTION_LENGTH: Bounds = { min: 0, max: 500 };

/** A client's own choice (RFC 7591 §2): shorter ones are about, longer ones push away what a person should read. */
const CLIENT_NAME_LENGTH: Bounds = { min: 1, max: 100 };

/** A name that requests list separated by spaces, and that a person is shown who is asked for consent. */
const LISTED_NAME = /^\S{1,128}$/u;
const MAX_LISTED = 100;

/**
 * Text that people will read, trimmed.
 * @throws DomainError `parameter_invalid` outside the bounds or with characters that do not show.
 */
export function checkText(field: string, value: string, { min, max }: Bounds): string {
  const text = value.normalize('NFC').trim();
  const length = [...text].length;
  if (length < min || length > max) {
    throw new DomainError('parameter_invalid', `${field} must have ${min} to ${max} characters`, { field });
  }
  if (UNPRINTABLE.test(text)) {
    throw new DomainError('parameter_invalid', `${field} must not contain control characters`, { field });
  }
  return text;
}

/** @throws DomainError `parameter_invalid` for a name that people could not read for what it is. */
export function checkClientName(name: string): string {
  return checkText('client_name', name, CLIENT_NAME_LENGTH);
}

/**
 * Names of tools or resources, each once.
 * @throws DomainError `parameter_invalid` for more than 100, or names with spaces, marks that reorder text, or more than
 * 128 characters.
 */
export function checkNames(field: string, names: readonly string[]): readonly string[] {
  const distinct = [...new Set(names)];
  const fit = (name: string) => LISTED_NAME.test(name) && !UNPRINTABLE.test(name);
  if (distinct.length > MAX_LISTED || !distinct.every(fit)) {
    throw new DomainError(
      'parameter_invalid',
      `${field} takes at most ${MAX_LISTED} names of 1 to 128 characters without spaces or marks that reorder text`,
      { field },
    );
  }
  return distinct;
}
