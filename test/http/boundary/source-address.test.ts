import { describe, expect, test } from '@jest/globals';
import { createTestHttpApp } from '../../support/http-app.ts';

describe('the source address', () => {
  const from = async (trustProxy: boolean | number, forged = '203.0.113.9, 198.51.100.4') => {
    const behind = await createTestHttpApp({ trustProxy });
    await behind.send('get', '/api/admin/tokens', { headers: { 'X-Forwarded-For': forged } });
    const [event] = await behind.events('request_refused');
    await behind.close();
    return event?.sourceIp;
  };

  test('is the socket’s without a trusted proxy', async () => {
    expect(await from(false)).toBe('127.0.0.1');
  });
  test('is what the one trusted proxy saw, whatever the client put before', async () => {
    expect(await from(1)).toBe('198.51.100.4');
  });
  // As proxies of Azure and AWS write it; everybody would have the address of the proxy, and its limits.
  test.each([
    ['198.51.100.4:49152', '198.51.100.4'],
    ['[2001:db8::4]:49152', '2001:db8::4'],
    ['[2001:db8::4]', '2001:db8::4'],
    ['2001:db8::4', '2001:db8::4'],
    ['::FFFF:198.51.100.4', '198.51.100.4'],
    ['[::ffff:198.51.100.4]:80', '198.51.100.4'],
  ])('is read where it is written as %s', async (written, address) => {
    expect(await from(1, `203.0.113.9, ${written}`)).toBe(address);
  });
  test.each(['unknown', '198.51.100.4:', '198.51.100:80', '[198.51.100.4', '2001:db8::4]:80', '[x]:80', ''])(
    'is the proxy’s where none can be read: %j',
    async (written) => {
      expect(await from(1, `203.0.113.9, ${written}`)).toBe('127.0.0.1');
    },
  );
});
