/**
 * Whether an audience is meant by a pattern: `*` stands for characters of one part (between slashes), `**` for any.
 * Everything else stands for itself.
 */
export function audienceMatches(pattern: string, audience: string): boolean {
  return expressionOf(pattern).test(audience);
}

/** Patterns come from the configuration alone, so there are few. */
const known = new Map<string, RegExp>();

function expressionOf(pattern: string): RegExp {
  const found = known.get(pattern);
  if (found) return found;
  const parts = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  const made = new RegExp(`^${parts.join('')}$`, 's');
  known.set(pattern, made);
  return made;
}
