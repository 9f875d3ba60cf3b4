import { BlockList, isIP } from 'node:net';

/** IANA special-purpose registries (RFC 6890 and successors) and multicast: nobody's site on the internet is there. */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/** Of IPv6 only 2000::/3 is handed out; tunnels and documentation inside it lead elsewhere. */
const SPECIAL_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const special = new BlockList();
for (const [net, prefix] of SPECIAL_IPV4) special.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of SPECIAL_IPV6) special.addSubnet(net, prefix, 'ipv6');
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
/** RFC 4291 §2.5.5, RFC 6052: an IPv4 address within an IPv6 one; ::1 and :: stand below the first. */
const embedded = new BlockList();
embedded.addRange('::2', '::ffff:ffff', 'ipv6');
embedded.addSubnet('::ffff:0:0', 96, 'ipv6');
embedded.addSubnet('64:ff9b::', 32, 'ipv6');

/** Decides whether this server may speak to an address. */
export type AddressRule = (address: string) => boolean;

/** Whether an address is anybody's on the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4');
  return isPlainIPv6(address) && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/**
 * Public addresses, and those of the networks given as `address/prefix`. An IPv4 address written as an IPv6 one is
 * neither, whatever the networks say.
 */
export function publicOrIn(networks: readonly string[]): AddressRule {
  const allowed = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    allowed.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    if (isPublicAddress(address)) return true;
    if (isIP(address) === 4) return allowed.check(address, 'ipv4');
    return isPlainIPv6(address) && !embedded.check(address, 'ipv6') && allowed.check(address, 'ipv6');
  };
}

/** Without a zone (RFC 4007 §11), which means nothing outside one machine. */
function isPlainIPv6(address: string): boolean {
  return isIP(address) === 6 && !address.includes('%');
}
