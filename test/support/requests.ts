import type { TestServer } from './server.ts';

/** What came back, with its body read: parsed when it is JSON, `{}` otherwise. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is expected of a body is stated by each assertion
  readonly body: any;
  readonly text: string;
}

/** Names and values as they go into a form; `undefined` leaves a parameter out, a list repeats it. */
export type Form = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** One request to the server; redirects are not followed. */
export async function send(
  server: Pick<TestServer, 'issuer'>,
  path: string,
  init: RequestInit = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, server.issuer), { redirect: 'manual', ...init });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: json && text !== '' ? JSON.parse(text) : {},
    text,
  };
}

export function formOf(form: Form): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    for (const each of value === undefined ? [] : [value].flat()) params.append(name, String(each));
  }
  return params;
}

/** `application/x-www-form-urlencoded`, as OAuth clients send it. */
export function postForm(
  server: Pick<TestServer, 'issuer'>,
  path: string,
  form: Form,
  headers: Record<string, string> = {},
) {
  return send(server, path, { method: 'POST', body: formOf(form), headers });
}

export function postJson(
  server: Pick<TestServer, 'issuer'>,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  return send(server, path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** RFC 7617; ids and secrets of this server need no form encoding. */
export function basic(clientId: string, clientSecret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` };
}
