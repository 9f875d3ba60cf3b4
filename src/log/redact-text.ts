import { isSecretName, SECRET_NAME_THEN_COLON } from './secret-names.ts';

/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Longest text that is kept, in UTF-16 units; the rest is cut off. */
export const MAX_TEXT = 8_000;

/** Names too common in prose to mean a secret unless quoted or written as a parameter. */
const COMMON_WORDS = new Set([
  'code',
  'token',
  'cookie',
  'cookies',
  'jwt',
  'secret',
  'password',
  'assertion',
]);

/** INVARIANT: a text without any of these is left as it is by every pass below. */
const COULD_HOLD_SECRET = /[=:%\s]|eyJ|tg[a-z]?_|whsec_/;

/**
 * Replaces the secrets in a text: PEM private keys, header lines, Bearer/Basic/DPoP credentials, passwords in URLs,
 * JWTs, and the values of parameters and members with a secret's name. Linear in the length of the text.
 */
export function redactText(text: string): string {
  const cut = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  const safe = COULD_HOLD_SECRET.test(cut) ? runPasses(cut) : cut;
  return text.length > MAX_TEXT ? `${safe}…[${text.length - MAX_TEXT} more]` : safe;
}

/** Every pass that has something to look for, in order: one may leave what the next must see. */
function runPasses(text: string): string {
  let current = text;
  for (const { couldMatch, pass } of PASSES) if (couldMatch(current)) current = pass(current);
  return current;
}

/** Whether a text could be JSON of a list or an object. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** The same by the long way, every pass over the whole text: what `redactText` is compared with. */
export function redactByEveryPass(text: string): string {
  return PASSES.reduce((current, { pass }) => pass(current), text);
}

type Pass = (text: string) => string;

const privateKeys: Pass = (text) =>
  text.replace(/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?/g, REDACTED);

const headerLines: Pass = (text) =>
  text.replace(/\b((?:set-)?cookie|(?:proxy-)?authorization|dpop)\s{0,5}:[^\r\n]+/gi, `$1: ${REDACTED}`);

const credentials: Pass = (text) =>
  text.replace(/\b(bearer|basic|dpop)(\s{1,5})([\w.~+/=%:-]+)/gi, redactCredentials);

const urlPasswords: Pass = (text) =>
  text.replace(/(:\/\/[^\s/:@?#]{0,200}):[^\s/@?#]{1,500}@/g, `$1:${REDACTED}@`);

/** The value of a member: a quoted text, also one quoted inside another text, or a bare word. */
const VALUE = String.raw`"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\\{1,3}"[^"]*"?`;

const PARAMETER = new RegExp(
  String.raw`([\w.%[\]-]{1,80})(["'\x60]?\s{0,3}=\s{0,3})(${VALUE}|[^&\s"'<>;,#\\]+)`,
  'g',
);
const parameters: Pass = (text) => text.replace(PARAMETER, redactParameter);

/** A parameter of a URL that is itself the value of a parameter. */
const encodedParameters: Pass = (text) =>
  text.replace(
    /(%3f|%26)([\w.-]{1,80})%3d(?:(?!%26|%23)[^&\s"'<>;,#])+/gi,
    (match, mark: string, name: string) => (isSecretName(name) ? `${mark}${name}%3D${REDACTED}` : match),
  );

const MEMBER = new RegExp(
  String.raw`((?:\\{0,3}["'])?)([\w-]{3,80})\1(\s{0,5}:\s{0,5})(${VALUE}|[^\s"',;{}[\]\\]+)`,
  'g',
);
const members: Pass = (text) => text.replace(MEMBER, redactMember);

const jwts: Pass = (text) => text.replace(/[\w.~-]{20,}/g, redactJwt);

/** API keys, client secrets, registration tokens and webhook secrets, wherever they stand: in a path, say. */
const ownCredentials: Pass = (text) =>
  text.replace(/(tg[a-z]?_|whsec_)[A-Za-z0-9_+/-]{40,}/g, `$1${REDACTED}`);

const holds =
  (part: string): ((text: string) => boolean) =>
  (text) =>
    text.includes(part);
const hasSecretMember = (text: string) => text.includes(':') && SECRET_NAME_THEN_COLON.test(text);
const hasSpace = (text: string) => /\s/.test(text);

/** INVARIANT: what `couldMatch` denies, the pass leaves as it is. */
const PASSES: readonly { couldMatch: (text: string) => boolean; pass: Pass }[] = [
  { couldMatch: holds('-----BEGIN'), pass: privateKeys },
  { couldMatch: hasSecretMember, pass: headerLines },
  { couldMatch: hasSpace, pass: credentials },
  { couldMatch: holds('@'), pass: urlPasswords },
  { couldMatch: holds('='), pass: parameters },
  { couldMatch: holds('%'), pass: encodedParameters },
  { couldMatch: hasSecretMember, pass: members },
  { couldMatch: holds('eyJ'), pass: jwts },
  { couldMatch: (text) => /tg[a-z]?_|whsec_/.test(text), pass: ownCredentials },
];

/** `Bearer abc123` but not `Bearer authentication`: a plain lower-case word is prose. */
function redactCredentials(match: string, scheme: string, space: string, value: string): string {
  const prose = /^[a-z]{1,16}[.:]?$/.test(value);
  return prose ? match : `${scheme}${space}${REDACTED}`;
}

/** `name=value`, as in a query string, a form body or a connection string. */
function redactParameter(match: string, name: string, equals: string): string {
  const last = decode(name).split(/[?&/]/).at(-1) ?? name;
  return isSecretName(last) ? `${name}${equals}${REDACTED}` : match;
}

/** `"name":"value"` or `name: value`, as in JSON and in inspected objects. */
function redactMember(match: string, quote: string, name: string, colon: string): string {
  const prose = quote === '' && COMMON_WORDS.has(name.toLowerCase());
  return isSecretName(name) && !prose ? `${quote}${name}${quote}${colon}${quote}${REDACTED}${quote}` : match;
}

/** RFC 7515 §3.1: a header that is a JSON object begins with `eyJ`; signed, encrypted and unsigned forms alike. */
function redactJwt(run: string): string {
  const start = run.indexOf('eyJ');
  return start >= 0 && run.indexOf('.', start) > start ? run.slice(0, start) + REDACTED : run;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
