import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An issuer that shows its keys and an empty revocation feed, and signs tokens as the server does. */
export interface BenchIssuer {
  readonly issuer: string;
  readonly publicKey: CryptoKey;
  /** A token of a task at this depth. */
  sign(depth: number): Promise<string>;
  stop(): void;
}

export const BENCH_AUDIENCE = 'https://bench.example.com';

export async function startBenchIssuer(): Promise<BenchIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  const server = createServer(({ url = '' }, response) => {
    const at = Date.now();
    if (url.endsWith('/jwks')) return void response.end(JSON.stringify({ keys: [jwk] }));
    if (url.endsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const head = () =>
        response.write(`event: head\ndata: ${JSON.stringify({ head: 0, at: Date.now() })}\n\n`);
      head();
      const timer = setInterval(head, 500);
      return void response.on('close', () => clearInterval(timer));
    }
    response.setHeader('content-type', 'application/json');
    return void response.end(JSON.stringify({ revocations: [], next: 0, head: 0, at }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    publicKey,
    sign: (depth) =>
      new SignJWT(claimsAt(depth))
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(BENCH_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(privateKey),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const id = () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');

function claimsAt(depth: number) {
  const lineage = Array.from({ length: depth }, () => ({
    task: id(),
    via: id(),
    client: `agt_${id()}`,
    grant: id(),
    epoch: 0,
  }));
  return {
    sub: `usr_${id()}`,
    client_id: `agt_${id()}`,
    jti: id(),
    scope: 'notes:read notes:write',
    txn: id(),
    task: {
      id: id(),
      handle: id(),
      root: id(),
      depth,
      lineage,
      grant: id(),
      epoch: 0,
      subject: { kind: 'user', epoch: 0 },
      expires_at: Math.floor(Date.now() / 1000) + 3600,
    },
  };
}
