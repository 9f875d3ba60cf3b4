import { describe, expect, test } from '@jest/globals';
import { isPublicAddress, publicFetch } from '../../src/oidc/public-fetch.ts';

describe('an address', () => {
  test.each(['1.1.1.1', '93.184.216.34', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:1.1.1.1',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'localhost',
    '',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

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
