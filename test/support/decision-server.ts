import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  readonly path: string;
  readonly method: string;
  readonly authorization: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is expected of a question is stated by each assertion
  readonly input: any;
}

type Answerer = (asked: Asked, response: ServerResponse) => void;

/** A decision point as tests need it: it does what it is told, and remembers what it was asked. */
export interface DecisionServer {
  readonly url: string;
  readonly asked: Asked[];
  /** Connections that were opened so far. */
  connections(): number;
  /** From now on answers with this result, as OPA does. */
  says(result: unknown): void;
  /** From now on does this instead. */
  does(answerer: Answerer): void;
  /** Closes the connections that nothing is being sent on. */
  dropIdle(): void;
  stop(): Promise<void>;
}

/** @param port 0 = any free one */
export async function startDecisionServer(port = 0): Promise<DecisionServer> {
  const asked: Asked[] = [];
  let connections = 0;
  let answerer: Answerer = sayingResult(true);
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { url: path = '', method = '', headers } = request;
      const one = { path, method, authorization: headers.authorization, input: JSON.parse(body).input };
      asked.push(one);
      answerer(one, response);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    connections: () => connections,
    says(result) {
      answerer = sayingResult(result);
    },
    does(other) {
      answerer = other;
    },
    dropIdle() {
      server.closeIdleConnections();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sayingResult(result: unknown): Answerer {
  return (_asked, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ result }));
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
