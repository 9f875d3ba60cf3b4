import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import type { LedgerFeed } from '../../app/revocations/ledger-feed.ts';
import { pollSecurityEvents } from '../../app/revocations/poll-security-events.ts';
import { HANDLE_REVOKED, SESSION_REVOKED } from '../../app/revocations/security-event.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { flag } from '../fields.ts';
import { untilGone } from '../until-gone.ts';

const tags = ['Revocations'];
const POLL = 'urn:ietf:rfc:8936';
const POLL_PATH = '/api/revocations/poll';
const STREAMS_PATH = '/api/revocations/event-streams';
const MOST_EVENTS = 100;
const MOST_SETTLED = 1000;
const WAIT_MS = 25_000;

const jti = z.string().min(1).max(200);

const poll = contract({
  method: 'post',
  path: POLL_PATH,
  access: 'follower',
  summary: 'Get what was revoked as security event tokens (RFC 8936).',
  description:
    'Whatever is not acknowledged is sent again. Unless returnImmediately is true, a request that finds nothing is held ' +
    'for 25 seconds at most.',
  tags,
  body: z.strictObject({
    maxEvents: z.int().min(0).optional().meta({ description: 'More than 100 are never sent at once.' }),
    returnImmediately: flag.optional(),
    ack: z.array(jti).max(MOST_SETTLED).optional(),
    setErrs: z
      .record(jti, z.object({ err: z.string().max(200), description: z.string().max(2000).optional() }))
      .optional()
      .meta({ description: 'Tokens that were not understood: logged, and not sent again.' }),
  }),
  returns: {
    status: 200,
    body: z.object({
      sets: z.record(z.string(), z.string()).meta({ description: 'Security event tokens by their jti.' }),
      moreAvailable: z.boolean().optional(),
    }),
  },
});

const Stream = z.object({
  stream_id: z.string(),
  iss: z.string(),
  aud: z.string(),
  delivery: z.object({ method: z.string(), endpoint_url: z.string() }),
  events_supported: z.array(z.string()),
  events_requested: z.array(z.string()),
  events_delivered: z.array(z.string()),
});

const streams = contract({
  method: 'get',
  path: STREAMS_PATH,
  access: 'follower',
  summary: 'The event stream of the caller (SSF 1.0): each receiver has one, which cannot be changed.',
  tags,
  returns: { status: 200, body: z.array(Stream) },
});

const configuration = contract({
  method: 'get',
  path: '/.well-known/ssf-configuration',
  access: 'anonymous',
  summary: 'What receivers of shared signals need to know (SSF 1.0).',
  tags,
  returns: {
    status: 200,
    body: z.object({
      spec_version: z.string(),
      issuer: z.string(),
      jwks_uri: z.string(),
      delivery_methods_supported: z.array(z.string()),
      configuration_endpoint: z.string(),
      authorization_schemes: z.array(z.object({ spec_urn: z.string() })),
      default_subjects: z.literal('ALL'),
    }),
  },
});

/** Revocations for receivers that speak OpenID Shared Signals and CAEP. */
export function securityEventRoutes(context: AppContext, feed: LedgerFeed): BoundRoute[] {
  const { issuer } = context.settings;
  const at = (path: string) => new URL(path, issuer).href;
  const issuerPath = new URL(issuer).pathname.replace(/\/$/, '');
  // SSF 1.0 §7.2: the well-known part stands before the issuer's path.
  const aliases = issuerPath === '' ? [] : [`${configuration.path}${issuerPath}`];
  return [
    route(poll, ({ body, caller, ctx }) => {
      const { ack = [], setErrs = {} } = body;
      for (const [id, { err }] of Object.entries(setErrs)) {
        context.log.warn('a security event token was not understood', {
          client_id: caller.actor,
          jti: id,
          error: err,
        });
      }
      return pollSecurityEvents(context, feed, {
        clientId: caller.actor,
        maxEvents: Math.min(body.maxEvents ?? MOST_EVENTS, MOST_EVENTS),
        waitMs: body.returnImmediately === true ? 0 : WAIT_MS,
        settled: [...ack, ...Object.keys(setErrs)],
        signal: untilGone(ctx),
      });
    }),
    route(streams, ({ caller }) => [
      {
        stream_id: caller.actor,
        iss: issuer,
        aud: caller.actor,
        delivery: { method: POLL, endpoint_url: at(POLL_PATH) },
        events_supported: [SESSION_REVOKED, HANDLE_REVOKED],
        events_requested: [SESSION_REVOKED, HANDLE_REVOKED],
        events_delivered: [SESSION_REVOKED, HANDLE_REVOKED],
      },
    ]),
    route({ ...configuration, aliases }, () => ({
      spec_version: '1_0',
      issuer,
      jwks_uri: at('/api/oauth/jwks'),
      delivery_methods_supported: [POLL],
      configuration_endpoint: at(STREAMS_PATH),
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }, { spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL' as const,
    })),
  ];
}
