import { describe, expect, test } from '@jest/globals';
import { isPublicAddress, publicOrIn } from '../../src/network/public-address.ts';

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
    'fe80::1%eth0',
    '2606:4700::1111%eth0',
    'localhost',
    '',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('networks that are allowed beside the public ones', () => {
  const allows = publicOrIn(['127.0.0.0/8', '10.1.0.0/16', '::1/128', 'fd00::/8']);

  test.each(['127.0.0.1', '127.9.9.9', '10.1.2.3', '::1', 'fd00::7', '93.184.216.34', '2606:4700::1111'])(
    '%s may be spoken to',
    (address) => {
      expect(allows(address)).toBe(true);
    },
  );

  test.each([
    '10.2.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '::',
    '::2',
    'fe80::1',
    'fd00::7%eth0',
    'nowhere',
    '',
  ])('%s may not', (address) => {
    expect(allows(address)).toBe(false);
  });

  test.each(['::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1'])(
    'nor %s, an allowed address in another form, even when every network is allowed',
    (address) => {
      expect(allows(address)).toBe(false);
      expect(publicOrIn(['0.0.0.0/0', '::/0'])(address)).toBe(false);
    },
  );
});
