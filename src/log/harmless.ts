import { MAX_DEPTH, MAX_MEMBERS, MAX_VALUES } from './redact.ts';
import { looksLikeJson, MAX_TEXT, redactText } from './redact-text.ts';
import { isSecretName } from './secret-names.ts';

/** Most names of members whose answer is kept. */
const MAX_KNOWN = 1_000;
const known = new Map<string, boolean>();

/**
 * Whether `redact` would leave a value as it is: nearly all that is logged. Looking costs a fraction of copying.
 *
 * INVARIANT: never laxer than `redact`. The JSON of a harmless value is the JSON of its redacted copy; whatever this
 * does not know is not harmless. Never throws for data: who passes something that throws when it is read is the caller's
 * to catch.
 */
export function isHarmless(value: unknown): boolean {
  return look(value, 0, { left: MAX_VALUES });
}

function look(value: unknown, depth: number, budget: { left: number }): boolean {
  budget.left -= 1;
  if (budget.left < 0) return false;
  switch (typeof value) {
    case 'string':
      return isHarmlessText(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || (depth < MAX_DEPTH && isHarmlessObject(value, depth, budget));
    default:
      return false;
  }
}

function isHarmlessText(text: string): boolean {
  return text.length <= MAX_TEXT && !looksLikeJson(text) && redactText(text) === text;
}

function isHarmlessObject(value: object, depth: number, budget: { left: number }): boolean {
  if ('toJSON' in value) return false;
  if (Array.isArray(value)) return isHarmlessList(value, depth, budget);
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  const members = value as Record<string, unknown>;
  let count = 0;
  for (const name of Object.keys(members)) {
    count += 1;
    if (count > MAX_MEMBERS || !isHarmlessName(name) || !look(members[name], depth + 1, budget)) return false;
  }
  return true;
}

/** Lists of alternating names and values are for `redact` to judge, if any name in them is a secret's. */
function isHarmlessList(list: readonly unknown[], depth: number, budget: { left: number }): boolean {
  if (list.length > MAX_MEMBERS) return false;
  return list.every(
    (element) => look(element, depth + 1, budget) && !(typeof element === 'string' && isSecretName(element)),
  );
}

/** `kty` makes an object a key, whose other members are secret or not by rules of their own. */
function isHarmlessName(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const harmless =
    name !== '__proto__' &&
    name !== 'kty' &&
    !isSecretName(name) &&
    name.length <= MAX_TEXT &&
    redactText(name) === name;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(name, harmless);
  return harmless;
}
