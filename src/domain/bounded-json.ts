/** Deeper than anything that has a meaning here. */
const MAX_DEPTH = 64;

/**
 * The value of a JSON text that a stranger sent. INVARIANT: it is not nested so deeply that whoever walks through it
 * (JSON.stringify, a validator) runs out of stack; JSON.parse itself takes any depth.
 * @throws SyntaxError for what is no JSON, or is nested more than 64 levels deep.
 */
export function parseBoundedJson(text: string): unknown {
  if (depthOf(text) > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} levels deep`);
  return JSON.parse(text);
}

/** In one pass, since the text may be anything. What stands within texts opens and closes nothing. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '"') quoted = !quoted;
    else if (quoted && character === '\\') i += 1;
    else if (!quoted && (character === '[' || character === '{')) deepest = Math.max(deepest, (depth += 1));
    else if (!quoted && (character === ']' || character === '}')) depth -= 1;
  }
  return deepest;
}
