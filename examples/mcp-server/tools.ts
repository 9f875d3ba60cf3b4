import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Access } from '@taskgrant/sdk/resource';
import { z } from 'zod';

/** What the server offers, to one request of one agent. */
export function createTools({ clientId, task }: Access): McpServer {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });

  server.registerTool(
    'forecast',
    { description: 'The weather of tomorrow', inputSchema: { city: z.string().max(100) } },
    ({ city }) => said(`Tomorrow in ${city}: sunny. Asked by ${clientId} for the task ${task.id}.`),
  );
  server.registerTool(
    'set-alarm',
    { description: 'Warns everybody of a storm', inputSchema: { city: z.string().max(100) } },
    ({ city }) => said(`Everybody in ${city} was warned.`),
  );
  return server;
}
