import { DomainError } from '../../domain/errors.ts';

const EMAIL_MAX = 254;
/** One @, a local part without spaces, a host name: more than this only the delivery of a mail can tell. */
const EMAIL =
  /^[^\s@<>"\p{Cc}]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u;
/** NIST SP 800-63B §5.1.1.2: length is what counts; characters, not bytes. */
const PASSWORD_MIN = 12;
const PASSWORD_MAX = 256;

/**
 * Lower case, so that one mailbox is one user whatever the spelling.
 * @throws DomainError `parameter_invalid`.
 */
export function checkEmail(value: string): string {
  const email = normaliseEmail(value);
  if (email.length > EMAIL_MAX || !EMAIL.test(email)) {
    throw new DomainError('parameter_invalid', 'email must be an e-mail address', { field: 'email' });
  }
  return email;
}

/** The form in which an address is stored and looked up. */
export function normaliseEmail(value: string): string {
  return value.normalize('NFC').trim().toLowerCase();
}

/** @throws DomainError `parameter_invalid` unless the password has 12 to 256 characters. */
export function checkPassword(value: string): string {
  const length = [...value].length;
  if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
    throw new DomainError(
      'parameter_invalid',
      `password must have ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`,
      { field: 'password' },
    );
  }
  return value;
}
