/** NIST SP 800-63B §5.1.1.2: length is what counts; characters, not bytes. */
export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;

/** Whether somebody may choose it. */
export function isPassword(value: string): boolean {
  const length = [...value].length;
  return length >= PASSWORD_LENGTH.min && length <= PASSWORD_LENGTH.max;
}
