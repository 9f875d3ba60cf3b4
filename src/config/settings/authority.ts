import { z } from 'zod';
import { MOST_AUDIENCES } from '../../domain/audience.ts';
import { MOST_RIGHTS, permissionFault } from '../../domain/permission.ts';
import { flag, oneOf, setting, text, wholeNumber } from '../setting.ts';
import { lifetimesSchema } from './lifetimes.ts';
import { policySettings } from './policies.ts';

/** RFC 6749 §3.3 scope-token. */
const scopeName = z.string({ error: 'must be a scope name' }).regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, {
  error: 'must be a scope name: printable ASCII without spaces',
});

/** A right, by the one grammar there is for them. */
const permission = scopeName.superRefine((value, refinement) => {
  const fault = permissionFault(value);
  if (fault?.kind === 'form') refinement.addIssue({ code: 'custom', message: `${value} ${fault.reason}` });
});

/** RFC 8707 §2: an absolute URI without a fragment. `{issuer}` stands for the issuer. */
const audience = z
  .string({ error: 'must be an absolute URI' })
  .refine((value) => URL.canParse(value.replace('{issuer}', 'http://issuer')) && !value.includes('#'), {
    error: 'must be an absolute URI without a fragment ({issuer} stands for the issuer)',
  });

/** What people read; no database could hold some control characters. */
const serverName = z.string({ error: 'must be text' }).regex(/^[^\p{Cc}]{1,100}$/u, {
  error: 'must have 1 to 100 characters, none of them a control character',
});

/** Who may register, what may be asked for, and for how long. */
export const authoritySettings = {
  registration: z.strictObject({
    mode: setting(oneOf(['open', 'token', 'closed']).optional(), {
      env: 'REGISTRATION',
      defaultText: 'open; token in production',
      description:
        'Who may register an agent: anyone, the holder of a token with admin:write, or the operator at the server only.',
    }),
    defaultPermissions: setting(
      z
        .array(permission, { error: 'must be a list of scope names' })
        // What is asked for by whoever names nothing.
        .max(MOST_RIGHTS, { error: `must name at most ${MOST_RIGHTS} scopes` }),
      {
        default: [],
        defaultText: 'as in `config/default.json`',
        description: 'Most that an agent registered by itself is granted.',
      },
    ),
    defaultTools: setting(z.array(scopeName, { error: 'must be a list of tool names' }), {
      default: [],
      defaultText: 'none; any (`*`) in `config/development.json`',
      description:
        'Tools that an agent registered by itself may name; what else it asks for waits for an administrator.',
    }),
    defaultResources: setting(z.array(scopeName, { error: 'must be a list of resource names' }), {
      default: [],
      defaultText: 'none; any (`*`) in `config/development.json`',
      description: 'Resources within an audience that an agent registered by itself may name.',
    }),
    metadataDocuments: setting(flag, {
      env: 'CLIENT_ID_METADATA_DOCUMENTS',
      default: true,
      description:
        'Whether a client may name itself by the https URL of its metadata document instead of registering.',
    }),
  }),
  tasks: z.strictObject({
    maxDepth: setting(wholeNumber(0, 16), {
      env: 'TASK_MAX_DEPTH',
      unit: 'levels',
      default: 8,
      description: 'Levels of child tasks below a root.',
    }),
    maxChildren: setting(wholeNumber(1, 100_000), {
      env: 'TASK_MAX_CHILDREN',
      unit: 'tasks',
      default: 100,
      description: 'Direct children of one task.',
    }),
  }),
  lifetimes: lifetimesSchema,
  defaultResource: setting(audience, {
    env: 'DEFAULT_RESOURCE',
    default: '{issuer}/api/oauth/protected',
    description: 'Audience of tokens whose request names no `resource`.',
  }),
  scopes: setting(
    z.record(permission, z.strictObject({ description: text }), {
      error: 'must map scope names to {"description"}',
    }),
    {
      default: {},
      defaultText: 'as in `config/default.json`',
      description:
        'Rights that this server knows besides the built-in catalogue of permissions; `admin:read` and `admin:write` are always among them.',
    },
  ),
  resourceServers: setting(
    z.array(
      z.strictObject({
        name: serverName,
        audiences: z
          .array(audience)
          .min(1, { error: 'must name at least one audience' })
          .max(MOST_AUDIENCES, { error: `must name at most ${MOST_AUDIENCES} audiences` }),
        scopes: z.array(permission).optional(),
        tokenFormat: oneOf(['jwt', 'opaque']),
      }),
      { error: 'must be a list of resource servers' },
    ),
    {
      default: [],
      defaultText: 'as in `config/default.json`',
      description: 'APIs that accept tokens: name, audiences, scopes (absent = any), token format.',
    },
  ),
  policies: policySettings,
  retention: z.strictObject({
    auditDays: setting(wholeNumber(1, 36_500), {
      unit: 'days',
      default: 365,
      description: 'How long audit events are kept.',
    }),
    tasksDays: setting(wholeNumber(1, 36_500), {
      unit: 'days',
      default: 90,
      description: 'How long ended tasks are kept.',
    }),
    tokensDays: setting(wholeNumber(1, 36_500), {
      unit: 'days',
      default: 30,
      description: 'How long rows of expired tokens are kept.',
    }),
    webhooksDays: setting(wholeNumber(1, 36_500), {
      unit: 'days',
      default: 30,
      description: 'How long the delivery log of webhooks is kept; not longer than audit events.',
    }),
  }),
};
