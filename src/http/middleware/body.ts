import getRawBody from 'raw-body';
import { parseBoundedJson } from '../../domain/bounded-json.ts';
import { readFormText } from '../../domain/form-text.ts';
import { readUtf8 } from '../../domain/utf8.ts';
import { Problem } from '../problem.ts';
import type { RequestContext } from '../state.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/**
 * The members of a JSON or form body; `{}` when there is none. A form has string members only.
 * @throws Problem 413 beyond `limit` bytes, 415 for another content type, 400 for a body that is not an object
 * in UTF-8, repeats a parameter or breaks off.
 */
export async function readBody(ctx: RequestContext, limit: number): Promise<Record<string, unknown>> {
  const text = await readText(ctx, limit);
  if (text === '') return {};
  const type = ctx.request.type.toLowerCase();
  requireReadable(ctx, type);
  return type === JSON_TYPE ? readJson(text) : readParameters(text, 'the body');
}

/** @throws Problem 400 for a repeated parameter (RFC 6749 §3.1, §3.2), and for one that is not UTF-8. */
export function readParameters(text: string, where: string): Record<string, string> {
  const parameters = [...parametersIn(text, where)];
  const names = parameters.map(([name]) => name);
  const seen = new Set<string>();
  const repeated = names.find((name) => seen.size === seen.add(name).size);
  if (repeated !== undefined) {
    throw new Problem(400, 'request_invalid', `${where} repeats a parameter`, {
      members: {
        faults: [{ in: where === 'the body' ? 'body' : 'query', path: repeated, message: 'repeated' }],
      },
    });
  }
  return Object.fromEntries(parameters);
}

function parametersIn(text: string, where: string): URLSearchParams {
  try {
    return readFormText(text);
  } catch {
    const code = where === 'the body' ? 'body_malformed' : 'request_invalid';
    throw new Problem(400, code, `${where} is not UTF-8`);
  }
}

async function readText(ctx: RequestContext, limit: number): Promise<string> {
  const length = ctx.get('Content-Length');
  if (length === '0' || (length === '' && ctx.get('Transfer-Encoding') === '')) return '';
  try {
    return inUtf8(await getRawBody(ctx.req, { limit, ...(length === '' ? {} : { length }) }));
  } catch (error) {
    throw bodyProblem(error, limit);
  }
}

function inUtf8(bytes: Buffer): string {
  try {
    return readUtf8(bytes);
  } catch {
    throw new Problem(400, 'body_malformed', 'the body is not UTF-8');
  }
}

function bodyProblem(error: unknown, limit: number): unknown {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.too.large':
      return new Problem(413, 'body_too_large', `the body may have at most ${limit} bytes`);
    case 'request.aborted':
    case 'request.size.invalid':
    // Its client left while it was settled who asks: nobody has begun to read it.
    case 'stream.not.readable':
      return new Problem(400, 'body_malformed', 'the body ended early');
    default:
      return error;
  }
}

function requireReadable(ctx: RequestContext, type: string): void {
  const charset = ctx.request.charset.toLowerCase();
  const encoding = ctx.get('Content-Encoding').toLowerCase();
  const readable =
    (type === JSON_TYPE || type === FORM_TYPE) &&
    (charset === '' || charset === 'utf-8' || charset === 'utf8') &&
    (encoding === '' || encoding === 'identity');
  if (!readable) {
    throw new Problem(415, 'content_type_unsupported', `send ${JSON_TYPE} or ${FORM_TYPE} in UTF-8`, {
      headers: { Accept: `${JSON_TYPE}, ${FORM_TYPE}` },
    });
  }
}

function readJson(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem(400, 'body_malformed', 'the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

function parseJson(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    throw new Problem(400, 'body_malformed', 'the body is not valid JSON, or is nested too deeply');
  }
}
