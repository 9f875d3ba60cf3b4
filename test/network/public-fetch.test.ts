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
});
