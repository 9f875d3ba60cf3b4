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

/** Members of a JSON Web Key that make it private or symmetric (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2). */
const PRIVATE_JWK_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);

/**
 * Whether the value under a name is a secret.
 * `token_type`, `token_id`, `code_challenge` and the like end differently and stay readable.
 */
export function isSecretName(name: string): boolean {
  if (name.length > 200) return false;
  const bare = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SECRET_NAMES.has(bare) || SECRET_ENDINGS.some((ending) => bare.endsWith(ending));
}

/** Whether a member of an object that has `kty` is private key material. */
export function isPrivateKeyMember(name: string): boolean {
  return PRIVATE_JWK_MEMBERS.has(name);
}
