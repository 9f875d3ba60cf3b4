import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { accessOf, forExpress, protect } from '@taskgrant/sdk/resource';
import express from 'express';
import type { ApiOptions } from '../stage/stage.ts';
import { createTools } from './tools.ts';

const NEEDS = { scope: 'weather:read' };

/** An MCP server (streamable HTTP, without sessions) at the path of its audience. */
export function createMcpServer(options: ApiOptions) {
  const guard = protect({ ...options, ...NEEDS, metadata: { resource_name: 'Weather' } });
  const app = express();
  // The body comes first, because it names the tool; a guard of the same API is light: it shares everything.
  app.use(express.json({ limit: '64kb' }), (request, response, next) => {
    const tool = toolCalled(request.body);
    forExpress(tool === undefined ? guard : guard.requiring({ ...NEEDS, tool }))(request, response, next);
  });
  app.post(new URL(options.audience).pathname, async (request, response) => {
    // One message in one request (MCP 2025-06-18): in a batch, a call could hide behind another message.
    if (!isRecord(request.body)) return void response.sendStatus(400);
    const server = createTools(accessOf(request));
    // Without a session id: each request stands for itself, with a token of its own.
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  // RFC 9110 §15.5.6; MCP: a server without a stream of its own says so.
  app.use((_request, response) => void response.set('allow', 'POST').sendStatus(405));
  return { listener: app, ready: () => guard.ready(), close: () => guard.close() };
}

/** The tool that a message calls; it must have been granted to the task. */
function toolCalled(message: unknown): string | undefined {
  if (!isRecord(message) || message['method'] !== 'tools/call') return undefined;
  const name = isRecord(message['params']) ? message['params']['name'] : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
