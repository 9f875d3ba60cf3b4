/** What a server answered; `body` is JSON, or {} when it was something else. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The members are checked where they are used.
  readonly body: Record<string, unknown>;
}

export interface Request {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly form?: URLSearchParams;
  readonly text?: string;
}

export async function call(url: string, request: Request = {}): Promise<Answer> {
  const { token, json, form, text } = request;
  const body = json ? JSON.stringify(json) : (form ?? text);
  const response = await fetch(url, {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(json ? { 'Content-Type': 'application/json' } : {}),
      ...request.headers,
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  });
  const answer: unknown = await response.json().catch(() => ({}));
  return { status: response.status, headers: response.headers, body: answer as Record<string, unknown> };
}

/**
 * The story goes on only as it was told.
 * @throws Error that says what came instead.
 */
export function expect(what: string, answer: Answer, status: number, error?: string): Answer {
  const { body } = answer;
  const reasons = [body['error'], body['task_error'], body['code']];
  if (answer.status === status && (error === undefined || reasons.includes(error))) return answer;
  const wanted = error === undefined ? String(status) : `${status} ${error}`;
  throw new Error(`${what}: expected ${wanted}, got ${answer.status} ${JSON.stringify(body)}`);
}

/** A text member that must be there. */
export function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value === 'string') return value;
  throw new Error(`the answer has no ${name}: ${JSON.stringify(body)}`);
}

/** A member as it is shown; nothing for null. */
export function shown(row: Record<string, unknown>, name: string): string {
  const value = row[name];
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A list member that must be there. */
export function list(body: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const value = body[name];
  if (Array.isArray(value)) return value as Record<string, unknown>[];
  throw new Error(`the answer has no list ${name}: ${JSON.stringify(body)}`);
}

/** An object member that must be there. */
export function object(body: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = body[name];
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new Error(`the answer has no object ${name}: ${JSON.stringify(body)}`);
}
