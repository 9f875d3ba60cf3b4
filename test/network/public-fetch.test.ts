import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { publicFetch } from '../../src/network/public-fetch.ts';

describe('fetching what a client names', () => {
  const answered = async () => new Response('there');
  const resolving = (...addresses: string[]) => publicFetch(answered, async () => addresses);

  test('goes to hosts with public addresses', async () => {
    const response = await resolving('93.184.216.34')('https://client.example.com/metadata.json');
    expect(await response.text()).toBe('there');
  });

  test.each([[['127.0.0.1']], [['93.184.216.34', '10.0.0.1']], [[]]])(
    '[S20] never speaks to a host at %j',
    async (addresses) => {
      const asked = resolving(...addresses)('https://client.example.com/metadata.json');
      await expect(asked).rejects.toThrow('no public address');
    },
  );

  test.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://localhost/',
  ])('[S20] recognises %s in every spelling', async (url) => {
    await expect(publicFetch(answered)(url)).rejects.toThrow('no public address');
  });

  test('[S20] follows no redirect: where it leads, nobody has looked', async () => {
    const asked: unknown[] = [];
    const server = createServer(({ url }, response) => {
      asked.push(url);
      response.writeHead(url === '/inside' ? 200 : 302, { location: '/inside' }).end('{"keys":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const fetch = publicFetch(globalThis.fetch, async () => ['93.184.216.34']);
      await expect(fetch(`http://127.0.0.1:${port}/keys`)).rejects.toThrow('fetch failed');
      expect((await fetch(`http://127.0.0.1:${port}/document`, { redirect: 'manual' })).status).toBe(302);
      expect(asked).toEqual(['/keys', '/document']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('waits for a name no longer than whoever asks', async () => {
    const asking = new AbortController();
    const fetch = publicFetch(answered, () => new Promise(() => {}));
    const asked = fetch('https://slow.example.com/', { signal: asking.signal });
    asking.abort(new Error('too late'));
    await expect(asked).rejects.toThrow('too late');
  });
});
