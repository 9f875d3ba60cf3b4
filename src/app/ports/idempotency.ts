/** What is kept of a request that created something, so that its repetition gets the same answer. */
export interface IdempotencyRecord {
  /** Derived from the caller, the request line and the key; says nothing about any of them. */
  readonly id: string;
  /** Of the body, keyed. */
  readonly fingerprint: string;
  /** Status and body of the answer, encrypted: it may hold secrets that are shown once. */
  readonly answer: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface IdempotencyReads {
  /** Expired ones too, until they are cleaned up. */
  byId(id: string): Promise<IdempotencyRecord | undefined>;
}

/** What can be made of one Idempotency-Key by whoever knows it and the server's master key, and by nobody else. */
export interface AnswerSeal {
  readonly id: string;
  fingerprint(text: string): string;
  seal(text: string): string;
  /** @throws Error when it was sealed under another key, or changed since. */
  unseal(sealed: string): string;
}

/** `name` is the key with all that it belongs to. */
export type AnswerSeals = (name: string) => AnswerSeal;
