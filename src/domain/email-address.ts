const LONGEST = 254;
/** One @, a local part without spaces, a host name: more than this only the delivery of a mail can tell. */
const FORM = /^[^\s@<>"\p{Cc}]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u;

/** The form in which an address is stored and looked up: one mailbox is one user whatever the spelling. */
export function normaliseEmail(value: string): string {
  return value.normalize('NFC').trim().toLowerCase();
}

/** Whether it is an address of somebody, in whatever spelling; `admin@localhost` is one. */
export function isEmail(value: string): boolean {
  const email = normaliseEmail(value);
  return email.length <= LONGEST && FORM.test(email);
}
