import { LIST_PARAMETERS, type Params } from '../task-parameters.ts';

/**
 * The named parameters of a form as the engine reads them: an empty one is absent, a repeated one is a list. Undefined
 * when one is repeated that may not be, or holds nothing in one of its repetitions: the engine refuses or reads those.
 */
export function readParameters(form: URLSearchParams, names: ReadonlySet<string>): Params | undefined {
  const params: Record<string, string | string[]> = {};
  for (const [name, value] of form) {
    if (!names.has(name)) continue;
    const before = params[name];
    if (before === undefined) params[name] = value;
    else if (!LIST_PARAMETERS.has(name)) return undefined;
    else params[name] = [before, value].flat();
  }
  for (const [name, value] of Object.entries(params)) {
    if (value === '') delete params[name];
    else if (Array.isArray(value) && value.includes('')) return undefined;
  }
  return params;
}
