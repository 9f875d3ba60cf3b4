/** Where a token may be sent: the origins of what it is for, and those that the caller named besides. */
export interface Destinations {
  readonly audiences: readonly string[];
  readonly origins: readonly string[];
}

/** Whether a token may go to a URL, and which audience it is for; undefined = nowhere near. */
export function destinationOf(
  url: URL,
  { audiences, origins }: Destinations,
): { readonly audience: string | undefined } | undefined {
  const near = audiences.filter((audience) => originOf(audience) === url.origin);
  const [best] = near.sort((a, b) => common(b, url) - common(a, url));
  if (best !== undefined) return { audience: best };
  return origins.some((origin) => originOf(origin) === url.origin) ? { audience: undefined } : undefined;
}

/** Several APIs can share an origin: the longest audience that the URL lies below is meant. */
function common(audience: string, url: URL): number {
  const prefix = audience.replace(/\/$/, '');
  const isBelow = url.href === prefix || ['/', '?', '#'].some((mark) => url.href.startsWith(prefix + mark));
  return isBelow ? prefix.length : 0;
}

/** `null` is the origin of everything that has none, such as a URN. */
function originOf(text: string): string | undefined {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  return origin === 'null' ? undefined : origin;
}
