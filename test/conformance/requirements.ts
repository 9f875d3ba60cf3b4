/** One requirement that a test cites by its id in square brackets. */
export interface Requirement {
  readonly id: string;
  readonly text: string;
  /** Specification and section, or the document of ours that makes the rule. */
  readonly source: string;
  /** Why no test cites it yet. */
  readonly planned?: string;
}

/** The standards checklist: what an authorization server must do. Every one is cited by a test. */
export const STANDARDS: readonly Requirement[] = [
  {
    id: 'S1',
    text: 'Metadata at both well-known paths, inserted and appended',
    source: 'RFC 8414 §3.1; OIDC Discovery §4',
  },
  {
    id: 'S2',
    text: 'The issuer is byte-equal everywhere, without a trailing slash',
    source: 'RFC 8414 §3.3; RFC 9207 §2.4',
  },
  {
    id: 'S3',
    text: 'Endpoints, response types, S256 and jwks_uri are always announced',
    source: 'RFC 8414 §2',
  },
  { id: 'S4', text: 'Discovery that misses is a 4xx, never a 5xx', source: 'RFC 8414 §3' },
  {
    id: 'S5',
    text: 'S256 from every client, confidential ones too; plain is refused',
    source: 'OAuth 2.1 §4.1.1; RFC 7636 §4.2',
  },
  {
    id: 'S6',
    text: 'Exact redirect match, any port on loopback, no redirect to an unverified URI',
    source: 'RFC 9700 §2.1; RFC 8252 §7.3',
  },
  {
    id: 'S7',
    text: 'iss in success and error responses of the authorization endpoint',
    source: 'RFC 9207 §2',
  },
  {
    id: 'S8',
    text: 'Codes work once, briefly, for their client, redirect URI and challenge',
    source: 'RFC 6749 §4.1.2; OAuth 2.1 §4.1.3',
  },
  {
    id: 'S9',
    text: 'No implicit, no password grant, no 307, no framing, no CORS on authorization',
    source: 'RFC 9700 §2.1.2, §2.4, §4.12, §4.16; OAuth 2.1 §3.1',
  },
  {
    id: 'S10',
    text: 'Consent names client, redirect host and scopes',
    source: 'OAuth 2.1 §7.3.1; RFC 6749 §10.2',
  },
  { id: 'S11', text: 'resource becomes aud; an unknown one is invalid_target', source: 'RFC 8707 §2' },
  { id: 'S12', text: 'A default resource where none is named', source: 'RFC 8707 §2; RFC 9068 §3' },
  { id: 'S13', text: 'JWT access tokens with typ at+jwt and the required claims', source: 'RFC 9068 §2' },
  { id: 'S14', text: 'Ids of clients and of people cannot collide in sub', source: 'RFC 9068 §5' },
  {
    id: 'S15',
    text: 'Refresh tokens rotate or are bound, and never widen',
    source: 'OAuth 2.1 §4.3.1; RFC 6749 §6',
  },
  {
    id: 'S16',
    text: 'scope is returned when it differs; no-store; unknown parameters are ignored',
    source: 'RFC 6749 §3.2, §3.3, §5.1',
  },
  { id: 'S17', text: 'Basic and body secrets; guessing is rate-limited', source: 'RFC 6749 §2.3.1' },
  {
    id: 'S18',
    text: 'Introspection authenticates; a resource server sees its own audience only',
    source: 'RFC 7662 §2.1, §4',
  },
  {
    id: 'S19',
    text: 'Revocation answers 200 for unknown tokens and checks ownership',
    source: 'RFC 7009 §2.1, §2.2',
  },
  {
    id: 'S20',
    text: 'Client ID metadata documents are fetched without being led astray',
    source: 'draft-ietf-oauth-client-id-metadata-document §3–§6',
  },
  {
    id: 'S21',
    text: 'client_id_metadata_document_supported is announced',
    source: 'draft-ietf-oauth-client-id-metadata-document §5',
  },
  {
    id: 'S22',
    text: 'Registration answers with redirect_uris, client_secret_expires_at and no nulls',
    source: 'RFC 7591 §3.2.1',
  },
  {
    id: 'S23',
    text: 'A child is a subset of its parent in scope, details, audience and expiry',
    source: 'RFC 8693 §2.1; design §3',
  },
  {
    id: 'S24',
    text: 'The parent is checked again at commit: no child after a revocation',
    source: 'rules R14',
  },
  {
    id: 'S25',
    text: 'Revoking a task ends every descendant and its refresh tokens',
    source: 'RFC 7009 §2.1; rules R2',
  },
  {
    id: 'S26',
    text: 'act, depth, root and parent are written by the server only',
    source: 'RFC 8693 §4.1; rules R5, R6',
  },
];

/** Requirements of the same checklist that are cited where they are met already, without being demanded yet. */
export const FURTHER: readonly Requirement[] = [
  { id: 'S30', text: 'Token exchange with act', source: 'RFC 8693' },
  { id: 'S31', text: 'DPoP with nonce, replay detection and bound refresh tokens', source: 'RFC 9449' },
  { id: 'S33', text: 'Pushed authorization requests', source: 'RFC 9126' },
  { id: 'S34', text: 'Rich authorization requests', source: 'RFC 9396' },
  { id: 'S35', text: 'private_key_jwt with the issuer as audience', source: 'RFC 7523; OIDC Core §9' },
  { id: 'S38', text: 'Client management', source: 'RFC 7592' },
  { id: 'S39', text: 'A grace window for refresh tokens', source: 'OAuth 2.1 §4.3.1' },
];

const RULES: readonly string[] = [
  'What a child is bounded by',
  'Revoking',
  'Handles are server-generated',
  'Epochs for agents and users',
  'Lineage claim',
  'Actors',
  'PKCE by request',
  'Hand-off',
  'Who may derive',
  'Over-asking',
  'Errors at authorize and PAR',
  'Two forms, one meaning',
  'Registration',
  'Units of work',
  'Audit under attack',
  'Task descriptions',
  'Lifetimes',
  'Metadata announces the extension',
  'Engine limits to plan for',
  'What people look for first',
];

/** The precise rules of the product, R1 to R20, cited where a test is about one. */
export const PRODUCT_RULES: readonly Requirement[] = RULES.map((text, i) => ({
  id: `R${i + 1}`,
  text,
  source: 'rules',
}));
