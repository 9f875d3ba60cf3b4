const SEPARATOR = ':';
const WILDCARD = '*';

/**
 * Whether one held right includes another. Rights are compared component by component; `*` in the held right stands for
 * any one component, never the reverse: `notes:*` covers `notes:read`, not `notes:read:own`. The server's own rule.
 */
export function permissionCovers(held: string, asked: string): boolean {
  if (held === asked) return true;
  if (!held.includes(WILDCARD)) return false;
  const heldParts = held.split(SEPARATOR);
  const askedParts = asked.split(SEPARATOR);
  if (heldParts.length !== askedParts.length) return false;
  return heldParts.every((part, i) => part === askedParts[i] || (part === WILDCARD && askedParts[i] !== ''));
}

/** Whether every right of `asked` is included in `held`. An empty `asked` is always covered. */
export function covers(held: readonly string[], asked: readonly string[]): boolean {
  return asked.every((right) => held.some((own) => permissionCovers(own, right)));
}
