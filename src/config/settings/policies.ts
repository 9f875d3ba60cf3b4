import { z } from 'zod';
import { POLICY_STEPS } from '../../domain/policy/policy.ts';
import { flag, oneOf, setting, text, wholeNumber } from '../setting.ts';

const YEAR = 31_536_000;

const name = z.string({ error: 'must be text' }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be a name of letters, digits, dots, underscores and hyphens, 64 at most',
});

/** Agents are told it, and it stands in every audit event. */
const reason = z.string({ error: 'must be text' }).regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/, {
  error: 'must be 1 to 200 printable ASCII characters without quotes and backslashes',
});

/** A right, tool, resource or audience, perhaps with wildcards. */
const pattern = z.string({ error: 'must be text' }).regex(/^[\x21-\x7e]{1,500}$/, {
  error: 'must be 1 to 500 printable ASCII characters without spaces',
});

function listOf<T extends z.ZodType>(item: T, what: string) {
  return z.array(item, { error: `must be a list of ${what}` }).min(1, {
    error: `must name at least one of the ${what}`,
  });
}

const about = z
  .strictObject({
    steps: listOf(oneOf(POLICY_STEPS), 'steps').optional(),
    clients: listOf(text, 'client ids').optional(),
    tiers: listOf(oneOf(['free', 'pro', 'enterprise']), 'tiers').optional(),
    roles: listOf(text, 'roles').optional(),
    subjects: listOf(oneOf(['user', 'agent']), 'kinds of subjects').optional(),
    scopes: listOf(pattern, 'rights').optional(),
    audiences: listOf(pattern, 'audiences').optional(),
  })
  .optional();

const named = { name, reason, match: about, except: about };
const effect = oneOf(['allow', 'deny']);

const pairs = listOf(z.strictObject({ parent: text, child: text }), 'pairs {parent, child}');

const timeOfDay = z.string({ error: 'must be a time HH:MM' }).regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, {
  error: 'must be a time from 00:00 to 23:59',
});

const hours = z
  .strictObject({
    weekdays: listOf(oneOf(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']), 'weekdays'),
    from: timeOfDay,
    to: z.string({ error: 'must be a time HH:MM' }).regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, {
      error: 'must be a time from 00:00 to 24:00',
    }),
  })
  .refine(({ from, to }) => from !== to, { error: 'must not end when it begins' });

const timeZone = z
  .string({ error: 'must be the name of a time zone' })
  .refine(isTimeZone, { error: 'must be the name of a time zone, such as Europe/Berlin' });

const path = z.string({ error: 'must be text' }).regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, {
  error: 'must be names with slashes between them, such as taskgrant/decision',
});

/** Where OPA or its like listens: `/v1/data/<path>` is added. */
const url = z.string({ error: 'must be an http or https URL' }).refine(isPlainUrl, {
  error: 'must be an http or https URL without credentials, query, fragment and trailing slash',
});

const rule = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('delegate_pairs'), ...named, effect, pairs }),
    z.strictObject({
      kind: z.literal('allowed_hours'),
      ...named,
      effect,
      timeZone,
      hours: listOf(hours, 'hours'),
    }),
    z
      .strictObject({
        kind: z.literal('allowed_resources'),
        ...named,
        effect,
        audiences: listOf(pattern, 'audiences').optional(),
        resources: listOf(pattern, 'resources').optional(),
      })
      .refine(({ audiences, resources }) => audiences !== undefined || resources !== undefined, {
        error: 'must name audiences, resources or both',
      }),
    z.strictObject({
      kind: z.literal('tool_lists'),
      ...named,
      effect,
      tools: z.array(pattern, { error: 'must be a list of tools' }),
    }),
    z.strictObject({ kind: z.literal('max_depth'), ...named, maxDepth: wholeNumber(0, 16) }),
    z.strictObject({ kind: z.literal('max_lifetime'), ...named, seconds: wholeNumber(1, YEAR) }),
    z.strictObject({
      kind: z.literal('decision_point'),
      ...named,
      url,
      path,
      timeoutMs: wholeNumber(10, 10_000).default(500),
      sendToken: flag.default(false),
    }),
  ],
  {
    error:
      'must have a kind: delegate_pairs, allowed_hours, allowed_resources, tool_lists, max_depth, max_lifetime or decision_point',
  },
);

export type PolicyRule = z.output<typeof rule>;

/** Who may be granted what, beyond what clients and people are allowed by themselves (docs/policies.md). */
export const policySettings = z.strictObject({
  rules: setting(z.array(rule, { error: 'must be a list of policies' }), {
    default: [],
    description: 'What decides about everything that is issued, in this order; see [policies](policies.md).',
  }),
  allowedDelegations: setting(
    z.array(z.strictObject({ parent: text, child: text }), { error: 'must be a list of {parent, child}' }),
    {
      default: [],
      description:
        'Pairs of client ids: `child` may derive tasks from tokens of `parent` without being named as a delegate. Stands before the rules.',
    },
  ),
  token: setting(
    z
      .string({ error: 'must be text' })
      .regex(/^[\x21-\x7e]{1,4096}$/, { error: 'must be printable ASCII without spaces' })
      .optional(),
    {
      env: 'POLICY_TOKEN',
      secret: true,
      defaultText: 'none is sent',
      description: 'Bearer token for those decision points whose rule says `sendToken`.',
    },
  ),
});

function isTimeZone(value: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en-US', { timeZone: value }));
  } catch {
    return false;
  }
}

function isPlainUrl(value: string): boolean {
  const parsed = URL.parse(value);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return false;
  return (
    !parsed.username &&
    !parsed.password &&
    !/[?#@]/.test(value) &&
    !value.endsWith('/') &&
    value.length <= 500
  );
}
