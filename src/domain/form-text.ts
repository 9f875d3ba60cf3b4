const ESCAPED = /(?:%[0-9a-f]{2})+/gi;
const BEYOND_ASCII = /%[89a-f]/i;

/**
 * The parameters of a form or a query string.
 * @throws URIError for escaped bytes that are not UTF-8 (RFC 6749 appendix B): other letters would stand in their place.
 */
export function readFormText(text: string): URLSearchParams {
  if (BEYOND_ASCII.test(text)) for (const [bytes] of text.matchAll(ESCAPED)) decodeURIComponent(bytes);
  return new URLSearchParams(text);
}
