import type { Context, Middleware } from 'koa';
import getRawBody from 'raw-body';
import { parseBoundedJson } from '../domain/bounded-json.ts';
import { readFormText } from '../domain/form-text.ts';
import { readUtf8 } from '../domain/utf8.ts';
import { ENGINE_READS, offerBody } from './internals.ts';
import { LIST_PARAMETERS, NO_NAMES } from './task-parameters.ts';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
/** A letter of three bytes in UTF-8, each of them written as `%XX`. */
const MOST_ESCAPED = 9;

/** Endpoints whose bodies are read here first. Registration takes JSON only (RFC 7591 §3.1). */
export interface EngineBodyOptions {
  /** Bytes. */
  readonly limit: number;
  readonly formPaths: readonly string[];
}

/** Right before the engine: it reads the form anew, from what stands in its place, if anything does (presented-token.ts). */
export function offerForm(): Middleware {
  return (ctx, next) => {
    const form = (ctx.state.engineForm ?? ctx.state.oauthBody) as URLSearchParams | undefined;
    if (form) offerBody(ctx, form.toString(), FORM);
    return next();
  };
}

class BodyRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Lets every form endpoint take JSON as well (design §3) and refuses what is malformed, oversized or wrongly typed with
 * a precise 4xx before the engine sees it. The parameters are left on `ctx.state.oauthBody`.
 */
export function engineBody({ limit, formPaths }: EngineBodyOptions): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || !formPaths.includes(ctx.path)) return next();
    try {
      ctx.state.oauthBody = await readForm(ctx, limit);
    } catch (error) {
      if (!(error instanceof BodyRefusal)) throw error;
      ctx.status = error.status;
      ctx.body = { error: 'invalid_request', error_description: error.message };
      ctx.set('cache-control', 'no-store');
      return;
    }
    return next();
  };
}

async function readForm(ctx: Context, limit: number): Promise<URLSearchParams> {
  const type = ctx.request.type.toLowerCase();
  const text = await readText(ctx, limit);
  const form = parameters(type, text);
  requireWithinEngine(form, text);
  return form;
}

/** What the engine would not read whole is refused, whoever answers then: nobody's request is read in part. */
function requireWithinEngine(form: URLSearchParams, text: string): void {
  const { bytes, parameters: most } = ENGINE_READS;
  if (form.size > most) throw new BodyRefusal(400, `there may be at most ${most} parameters`);
  if (text.length * MOST_ESCAPED <= bytes) return;
  if (form.toString().length > bytes)
    throw new BodyRefusal(413, `the parameters may have at most ${bytes} bytes as a form`);
}

function parameters(type: string, text: string): URLSearchParams {
  if (type === '' && text === '') return new URLSearchParams();
  if (type === FORM) return fromForm(text);
  if (type === JSON_TYPE) return fromJson(text);
  throw new BodyRefusal(400, `send ${FORM} or ${JSON_TYPE}`);
}

function fromForm(text: string): URLSearchParams {
  try {
    return readFormText(text);
  } catch {
    throw new BodyRefusal(400, 'the body is not a form in UTF-8');
  }
}

async function readText(ctx: Context, limit: number): Promise<string> {
  try {
    const bytes = await getRawBody(ctx.req, { limit, length: ctx.request.length ?? null });
    return readUtf8(bytes);
  } catch (error) {
    if ((error as { type?: string }).type === 'entity.too.large') {
      throw new BodyRefusal(413, `the body may have at most ${limit} bytes`);
    }
    throw new BodyRefusal(400, 'the body could not be read');
  }
}

/** Members may be strings, numbers, booleans, lists of strings, and objects where the parameter is JSON (RFC 9396). */
function fromJson(text: string): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parseObject(text))) {
    if (name === 'authorization_details')
      form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
    else if (Array.isArray(value)) appendList(form, name, value);
    else if (value !== null) form.append(name, scalar(name, value));
  }
  return form;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseBoundedJson(text);
  } catch {
    throw new BodyRefusal(400, 'the body is not valid JSON, or is nested too deeply');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BodyRefusal(400, 'the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

function appendList(form: URLSearchParams, name: string, value: unknown[]): void {
  if (!value.every((item) => typeof item === 'string')) {
    throw new BodyRefusal(400, `${name} must be a string or a list of strings`);
  }
  if (name === 'scope') {
    form.append(name, value.join(' '));
    return;
  }
  if (!LIST_PARAMETERS.has(name)) throw new BodyRefusal(400, `${name} must not be a list`);
  // `[]` is "none", which is not the same as absent (R1); the engine would drop an empty parameter.
  if (value.length === 0) form.append(name, NO_NAMES);
  for (const item of value) form.append(name, item);
}

function scalar(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean') return String(value);
  throw new BodyRefusal(400, `${name} has the wrong type`);
}
