/** Secrets have a prefix of ours, tokens have none; people take either for the id that belongs there. */
const LIKE_A_SECRET = /\/(?:tg[a-z]?_[\w-]+|[\w-]{43})(?=\/|$)/g;

/**
 * A path as logs and the audit trail may hold it. The id of an interaction belongs to a person's session: its path is
 * cut there.
 */
export function recordedPath(path: string): string {
  return path
    .replace(/^(\/interaction|\/api\/oauth\/authorize)\/[^/]+/, '$1/:uid')
    .replace(LIKE_A_SECRET, '/[redacted]')
    .slice(0, 300);
}
