import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OwnAnswer } from '../metadata.ts';
import type { Guard } from '../protect.ts';
import type { Accepted, Refused } from '../refusal.ts';

/** Types alone are taken from Node: nothing of it is loaded. */
export type NodeRequest = IncomingMessage & {
  /** Express keeps the whole path here while a router sees only its part. */
  readonly originalUrl?: string;
};

/** Answers a request by itself, or says what was accepted; neither when it was answered meanwhile. */
export async function handleNode(
  guard: Guard,
  request: NodeRequest,
  response: ServerResponse,
): Promise<Accepted | undefined> {
  const { method = 'GET', headers } = request;
  const url = request.originalUrl ?? request.url ?? '/';
  const answer = await guard.handle({ method, url, headers });
  // By somebody who lost patience: what was told is not to be contradicted, nor carried out.
  if (response.headersSent) return undefined;
  if (!answer.accepted) {
    send(response, method, answer);
    return undefined;
  }
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  return answer;
}

function send(response: ServerResponse, method: string, answer: Refused | OwnAnswer): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  response.end(answer.body === undefined || method === 'HEAD' ? undefined : JSON.stringify(answer.body));
}
