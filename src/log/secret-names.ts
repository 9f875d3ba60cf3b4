/** Names whose value is a secret wherever they occur, compared without case and punctuation. */
const SECRET_NAMES = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'cookies',
  'setcookie',
  'code',
  'authorizationcode',
  'devicecode',
  'usercode',
  'codeverifier',
  'dpop',
  'jwt',
  'otp',
  'databaseurl',
  'idempotencykey',
]);

/** A name that ends with one of these holds a secret: `new_password`, `x-api-key`, `parent_token`, `clientSecret`. */
const SECRET_ENDINGS = [
  'token',
  'secret',
  'password',
  'passwd',
  'passphrase',
  'apikey',
  'assertion',
  'privatekey',
  'encryptionkey',
  'verifier',
];

const LAST_LETTERS = [...SECRET_NAMES, ...SECRET_ENDINGS].map((name) =>
  Array.from(name.slice(-3)).join('[-_]*'),
);

/**
 * Matches wherever a colon follows a name that isSecretName() could accept, and in a few places more: the last three
 * letters of such a name, with whatever punctuation is between them, then what may stand between a name and its colon.
 */
export const SECRET_NAME_THEN_COLON = new RegExp(
  String.raw`(?:${[...new Set(LAST_LETTERS)].join('|')})[-_\s"'\\]*:`,
  'i',
);

/** Members of a JSON Web Key that make it private or symmetric (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2). */
const PRIVATE_JWK_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);

/** Most names whose answer is kept. */
const MAX_KNOWN = 1_000;
/** Longest of them. A longer name cut from a text may keep that whole text in memory. */
const MAX_KNOWN_LENGTH = 12;
const known = new Map<string, boolean>();

/**
 * Whether the value under a name is a secret.
 * `token_type`, `token_id`, `code_challenge` and the like end differently and stay readable.
 */
export function isSecretName(name: string): boolean {
  if (name.length > MAX_KNOWN_LENGTH) return name.length <= 200 && judge(name);
  const before = known.get(name);
  if (before !== undefined) return before;
  const secret = judge(name);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(name, secret);
  return secret;
}

function judge(name: string): boolean {
  const bare = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SECRET_NAMES.has(bare) || SECRET_ENDINGS.some((ending) => bare.endsWith(ending));
}

/** Whether a member of an object that has `kty` is private key material. */
export function isPrivateKeyMember(name: string): boolean {
  return PRIVATE_JWK_MEMBERS.has(name);
}
