import type { Fact } from '../app/audit/audit-trail.ts';

interface ProblemOptions {
  /** Further public members of the problem document. */
  readonly members?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  /** What the audit trail keeps instead of `request_refused`. */
  readonly fact?: Partial<Fact>;
}

/** A refusal of the HTTP boundary itself; the rules of the domain throw `DomainError` instead. RFC 9457. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly fact: Partial<Fact>;

  constructor(status: number, code: string, detail: string, options: ProblemOptions = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
    this.fact = options.fact ?? {};
  }
}
