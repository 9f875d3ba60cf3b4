import { createServer } from 'node:http';
import { verified } from './verify.ts';

/** Prints each event that arrives and was signed with WEBHOOK_SECRET; refuses everything else. */
const { WEBHOOK_SECRET = '', PORT = '4610' } = process.env;
if (!WEBHOOK_SECRET.startsWith('whsec_')) {
  console.error('WEBHOOK_SECRET must be the secret that the registration showed (whsec_…)');
  process.exit(2);
}
/** A delivery may arrive more than once, always with the same id. */
const seen = new Set<string>();

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  if (!verified(WEBHOOK_SECRET, request.headers, body)) {
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
});
server.listen(Number(PORT), '127.0.0.1');
