import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { verified } from './verify.ts';

/** Prints each event that arrives and was signed with WEBHOOK_SECRET; refuses everything else. */
const { WEBHOOK_SECRET = '', PORT = '4610' } = process.env;
if (!WEBHOOK_SECRET.startsWith('whsec_')) {
  console.error('WEBHOOK_SECRET must be the secret that the registration showed (whsec_…)');
  process.exit(2);
}
const MOST_BYTES = 1_000_000;
/** A delivery may arrive more than once, always with the same id. */
const seen = new Set<string>();

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request);
  if (body === undefined || !verified(WEBHOOK_SECRET, request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  const id = String(request.headers['webhook-id']);
  if (!seen.has(id)) {
    seen.add(id);
    const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
    console.log(type, data['task_id'] ?? data['agent_id'] ?? '');
  }
  response.writeHead(204).end();
}

/** Undefined for more than any event has: anybody may send to this address. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const server = createServer((request, response) => {
  // A sender that leaves in the middle is no reason to end.
  receive(request, response).catch(() => response.destroy());
});
server.listen(Number(PORT), '127.0.0.1');
