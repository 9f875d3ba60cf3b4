import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createNameLookups, type Resolve } from '../../src/network/name-lookups.ts';
import { publicOrIn } from '../../src/network/public-address.ts';
import { publicFetch } from '../../src/network/public-fetch.ts';
import { memoryInUse } from '../support/memory-in-use.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  closers.push(() => (server.closeAllConnections(), server.close()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const to =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses;
const lookupsOf = (resolve?: Resolve) =>
  createNameLookups({ atOnce: 2, ofSuspects: 1, ...(resolve ? { resolve } : {}) });
/** As if loopback were public. */
const local = publicOrIn(['127.0.0.1/32']);
const fetchTo = (resolve?: Resolve) => publicFetch(lookupsOf(resolve), local);
const URL_OF = (port: number, path = '/') => `http://client.example.com:${port}${path}`;

describe('fetching what a client names', () => {
  test('answers what is there, as any fetch', async () => {
    const port = await listen((request, response) => {
      response.setHeader('x-asked', `${request.method} ${request.headers.host} ${request.headers.accept}`);
      response.setHeader('set-cookie', ['a=1', 'b=2']).end('{"keys":[]}');
    });
    const response = await fetchTo(to('127.0.0.1'))(URL_OF(port, '/keys'), {
      headers: { accept: 'application/json', 'user-agent': '' },
    });
    expect([response.status, await response.json()]).toEqual([200, { keys: [] }]);
    expect(response.headers.get('x-asked')).toBe(`GET client.example.com:${port} application/json`);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test.each([[['10.0.0.1']], [['127.0.0.1', '10.0.0.1']], [[]], [['::ffff:127.0.0.1']]])(
    '[S20] never speaks to a host at %j',
    async (addresses) => {
      let reached = 0;
      const port = await listen((_request, response) => void response.end(String((reached += 1))));
      await expect(fetchTo(to(...addresses))(URL_OF(port))).rejects.toThrow('no public address');
      expect(reached).toBe(0);
    },
  );

  test.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://localhost/',
  ])('[S20] recognises %s in every spelling', async (url) => {
    await expect(publicFetch(lookupsOf())(url)).rejects.toThrow('no public address');
  });

  test('[S20] connects to the address that was checked, though the name leads elsewhere the second time', async () => {
    let asked = 0;
    const port = await listen((request, response) => void response.end(request.headers.host));
    const resolve = async () => ((asked += 1) === 1 ? ['127.0.0.1'] : ['10.0.0.1']);
    const response = await fetchTo(resolve)(URL_OF(port));
    expect(await response.text()).toBe(`client.example.com:${port}`);
    expect(asked).toBe(1);
  });

  test('[S20] follows no redirect: where it leads, nobody has looked', async () => {
    const asked: unknown[] = [];
    const port = await listen(({ url }, response) => {
      asked.push(url);
      response.writeHead(url === '/inside' ? 200 : 302, { location: '/inside' }).end('{"keys":[]}');
    });
    const fetch = fetchTo(to('127.0.0.1'));
    await expect(fetch(URL_OF(port, '/keys'))).rejects.toThrow('redirects are not followed');
    expect((await fetch(URL_OF(port, '/document'), { redirect: 'manual' })).status).toBe(302);
    expect(asked).toEqual(['/keys', '/document']);
  });

  test('waits no longer than whoever asks: for the name, the answer, or its end', async () => {
    const asking = () => AbortSignal.timeout(200);
    const never = fetchTo(() => new Promise(() => {}))('https://slow.example.com/', { signal: asking() });
    await expect(never).rejects.toThrow('timeout');
    const silent = await listen(() => {});
    await expect(fetchTo(to('127.0.0.1'))(URL_OF(silent), { signal: asking() })).rejects.toThrow();
    const endless = await listen((_request, response) => void response.writeHead(200).write('{'));
    const begun = await fetchTo(to('127.0.0.1'))(URL_OF(endless), { signal: asking() });
    await expect(begun.text()).rejects.toThrow();
  });

  test('keeps the time limit for a body that never ends, whatever is forgotten meanwhile', async () => {
    const endless = await listen((_request, response) => void response.writeHead(200).write('{'));
    const begun = await fetchTo(to('127.0.0.1'))(URL_OF(endless), { signal: AbortSignal.timeout(300) });
    memoryInUse();
    await expect(begun.text()).rejects.toThrow();
  }, 5_000);

  test('unpacks nothing: a small answer is never a large one', async () => {
    const bomb = gzipSync(Buffer.alloc(4_194_304));
    const port = await listen((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    const response = await fetchTo(to('127.0.0.1'))(URL_OF(port));
    expect((await response.arrayBuffer()).byteLength).toBe(bomb.length);
  });

  test('an endless answer ends when nobody reads on', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await listen((_request, response) => {
      response.on('close', () => closed.resolve());
      const more = () => void (response.destroyed || response.write('x'.repeat(8192), more));
      more();
    });
    const response = await fetchTo(to('127.0.0.1'))(URL_OF(port));
    let read = 0;
    for await (const chunk of response.body ?? []) {
      read += chunk.length;
      if (read > 65_536) break;
    }
    await closed.promise;
    expect(read).toBeLessThan(262_144);
  });

  test('refuses what is no status of HTTP', async () => {
    const port = await listen(({ socket }) => {
      socket.end('HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n');
    });
    await expect(fetchTo(to('127.0.0.1'))(URL_OF(port))).rejects.toThrow('answered 999');
  });

  test('looks up names for whoever asks, one at a time', async () => {
    const begun: string[] = [];
    const port = await listen((_request, response) => void response.end('there'));
    const fetch = fetchTo((name) => {
      begun.push(name);
      return name === 'client.example.com' ? Promise.resolve(['127.0.0.1']) : new Promise(() => {});
    });
    for (const name of ['a', 'b', 'c']) {
      void fetch(`https://${name}.example.com/`, {}, '198.51.100.7');
    }
    expect(await (await fetch(URL_OF(port), {}, '198.51.100.8')).text()).toBe('there');
    expect(begun).toEqual(['a.example.com', 'client.example.com']);
  });

  test('takes an answer without a body', async () => {
    const port = await listen((_request, response) => void response.writeHead(204).end());
    const response = await fetchTo(to('127.0.0.1'))(URL_OF(port));
    expect([response.status, await response.text()]).toEqual([204, '']);
  });
});
