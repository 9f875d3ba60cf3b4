/** One question to a decision point of the operator's. */
export interface DecisionQuestion {
  /** Absolute URL. */
  readonly endpoint: string;
  /** Milliseconds from the question to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Whether the token of the configuration goes with it. */
  readonly sendsToken: boolean;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Parsed JSON of an answer with status 200, or why there is none: `timeout`, `status 500` … */
export type DecisionAnswer = { readonly answer: unknown } | { readonly failure: string };

/** Speaks to decision points. Never throws and never takes longer than asked. */
export interface DecisionPoint {
  ask(question: DecisionQuestion): Promise<DecisionAnswer>;
}
