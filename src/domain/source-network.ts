/**
 * The network that an address is counted as: whoever has an IPv6 address has the whole /64 around it (RFC 4291 §2.5.4,
 * RFC 6177). IPv4 addresses stand for themselves.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const groups = [...head, ...zeros, ...tail].slice(0, 4);
  // `2001:DB8:0::1` and `2001:db8:0000::1` are one network.
  return groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':');
}
