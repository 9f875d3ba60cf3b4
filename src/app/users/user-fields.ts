import { isEmail, normaliseEmail } from '../../domain/email-address.ts';
import { DomainError } from '../../domain/errors.ts';
import { isPassword, PASSWORD_LENGTH } from '../../domain/password.ts';

/**
 * Lower case, so that one mailbox is one user whatever the spelling.
 * @throws DomainError `parameter_invalid`.
 */
export function checkEmail(value: string): string {
  if (isEmail(value)) return normaliseEmail(value);
  throw new DomainError('parameter_invalid', 'email must be an e-mail address', { field: 'email' });
}

/** @throws DomainError `parameter_invalid` unless the password has 12 to 256 characters. */
export function checkPassword(value: string): string {
  if (isPassword(value)) return value;
  const { min, max } = PASSWORD_LENGTH;
  throw new DomainError('parameter_invalid', `password must have ${min} to ${max} characters`, {
    field: 'password',
  });
}
