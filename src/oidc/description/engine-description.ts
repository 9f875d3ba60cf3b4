import type { ApiDescription, Json } from '../../app/description/api-description.ts';
import type { NamedSchemas } from '../../app/description/schema.ts';
import { metadataPlaces } from '../discovery.ts';
import { ROUTES } from '../routes.ts';
import { VERIFY_PATH } from '../verification.ts';
import {
  Introspected,
  Jwks,
  Metadata,
  Pushed,
  RegisteredClient,
  Revoked,
  TokenResponse,
  UserInfo,
  Verified,
} from './answers.ts';
import { type Endpoint, endpointOperation, endpointRefusals } from './endpoint.ts';
import {
  AuthorizationRequest,
  ClientMetadata,
  ClientUpdate,
  IntrospectionRequest,
  PushedRequest,
  RevocationRequest,
  TokenRequest,
  VerificationRequest,
} from './requests.ts';

const CLIENT = { tag: 'OAuth', method: 'post', security: ['client'], refuses: [401, 413] } as const;
const PAGE = { tag: 'OAuth: pages', security: ['none'] } as const;
const METADATA = { tag: 'OAuth: metadata', method: 'get', security: ['none'], refuses: [404] } as const;

const clientEndpoints: readonly Endpoint[] = [
  {
    ...CLIENT,
    path: ROUTES.token,
    summary: 'Get a token for a task: open one, join one, derive a child, refresh, redeem a code, hand over.',
    description:
      'client_credentials needs an S256 code_challenge, an extension of this server; what extends the task later ' +
      'answers it.',
    form: TokenRequest,
    answers: { 200: TokenResponse },
    refuses: [401, 403, 413],
  },
  {
    ...CLIENT,
    path: ROUTES.introspection,
    summary: 'Ask about a token (RFC 7662).',
    form: IntrospectionRequest,
    answers: { 200: Introspected },
  },
  {
    ...CLIENT,
    path: VERIFY_PATH,
    summary: 'Ask whether a token belongs to the task, parent and tool that somebody states.',
    form: VerificationRequest,
    answers: { 200: Verified },
  },
  {
    ...CLIENT,
    path: ROUTES.revocation,
    summary: 'Revoke a token and, unless revoke_children is false, everything derived through it (RFC 7009).',
    form: RevocationRequest,
    answers: { 200: Revoked },
  },
  {
    ...CLIENT,
    path: ROUTES.pushed_authorization_request,
    summary: 'Push an authorization request (RFC 9126).',
    form: PushedRequest,
    answers: { 201: Pushed },
  },
];

const registration: readonly Endpoint[] = [
  {
    tag: 'OAuth: clients',
    method: 'post',
    path: ROUTES.registration,
    summary: 'Register a client (RFC 7591); with an admin:write token it is granted what it asks for.',
    security: ['none', 'bearer'],
    json: ClientMetadata,
    creates: true,
    answers: { 201: RegisteredClient },
    refuses: [401, 403, 413, 422],
  },
  {
    tag: 'OAuth: clients',
    method: 'get',
    path: `${ROUTES.registration}/{client_id}`,
    summary: 'Read a registration with its registration access token (RFC 7592).',
    security: ['bearer'],
    answers: { 200: RegisteredClient },
    refuses: [401, 403, 404],
  },
  {
    tag: 'OAuth: clients',
    method: 'put',
    path: `${ROUTES.registration}/{client_id}`,
    summary: 'Replace a registration’s metadata.',
    security: ['bearer'],
    json: ClientUpdate,
    answers: { 200: RegisteredClient },
    refuses: [401, 403, 404, 413],
  },
  {
    tag: 'OAuth: clients',
    method: 'delete',
    path: `${ROUTES.registration}/{client_id}`,
    summary: 'Delete a client: everything that it was granted ends.',
    security: ['bearer'],
    answers: { 204: 'nothing' },
    refuses: [401, 403, 404],
  },
];

const people: readonly Endpoint[] = [
  {
    ...PAGE,
    method: 'get',
    path: ROUTES.authorization,
    summary: 'Send a person here to approve what an agent asks for (RFC 6749 §4.1).',
    query: AuthorizationRequest,
    answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
    refuses: [401],
  },
  {
    ...PAGE,
    method: 'post',
    path: ROUTES.authorization,
    summary: 'The same as a form: the browser is sent on to ask by GET.',
    form: AuthorizationRequest,
    answers: { 303: 'redirect' },
    refuses: [413],
  },
  {
    ...PAGE,
    method: 'get',
    path: `${ROUTES.authorization}/{uid}`,
    summary: 'Where the pages send the person back to.',
    answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
    refuses: [404],
  },
  {
    ...PAGE,
    method: 'get',
    path: '/interaction/{uid}',
    summary: 'The page on which a person signs in or decides.',
    answers: { 200: 'page', 303: 'redirect' },
    refuses: [404, 405],
  },
  {
    ...PAGE,
    method: 'get',
    path: '/interaction/{uid}/{action}',
    summary: 'Leads back to that page: a page that answers a form stands at this address.',
    answers: { 303: 'redirect' },
    refuses: [404, 405],
  },
  {
    ...PAGE,
    method: 'post',
    path: '/interaction/{uid}/{action}',
    summary: 'What that page sends: login, consent or abort.',
    answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
    refuses: [401, 403, 404, 405, 409, 413, 415, 422],
  },
  {
    ...PAGE,
    method: 'get',
    path: ROUTES.end_session,
    summary: 'Sign out (OpenID Connect RP-Initiated Logout).',
    answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
    refuses: [],
  },
  {
    ...PAGE,
    method: 'post',
    path: ROUTES.end_session,
    summary: 'The same as a form: the browser is sent on to ask by GET.',
    answers: { 303: 'redirect' },
    refuses: [413],
  },
  {
    ...PAGE,
    method: 'post',
    path: `${ROUTES.end_session}/confirm`,
    summary: 'What the page for signing out sends.',
    answers: { 200: 'page', 302: 'redirect', 303: 'redirect' },
    refuses: [404, 413],
  },
  {
    ...PAGE,
    method: 'get',
    path: `${ROUTES.end_session}/success`,
    summary: 'The page that says so.',
    answers: { 200: 'page' },
    refuses: [],
  },
];

const userinfo = (method: 'get' | 'post'): Endpoint => ({
  tag: 'OAuth',
  method,
  path: ROUTES.userinfo,
  summary: 'Claims about the person who approved (OpenID Connect).',
  security: ['bearer'],
  answers: { 200: UserInfo },
  refuses: [401, 403, 413],
});

const metadata = (issuer: string): readonly Endpoint[] => [
  {
    ...METADATA,
    path: ROUTES.jwks,
    summary: 'Keys that verify tokens (RFC 7517).',
    answers: { 200: { type: 'application/jwk-set+json', schema: Jwks } },
  },
  ...[...metadataPlaces(issuer).keys()].map(
    (path): Endpoint => ({
      ...METADATA,
      path,
      summary: 'What the OAuth endpoints are and support (RFC 8414).',
      answers: { 200: Metadata },
    }),
  ),
];

/** Everything that the engine and its pages answer, beside what the REST API declares. */
export function engineDescription(issuer: string): ApiDescription {
  const schemas: NamedSchemas = {};
  const paths: Record<string, Record<string, Json>> = {};
  const userinfos = [userinfo('get'), userinfo('post')];
  const endpoints = [...clientEndpoints, ...registration, ...userinfos, ...metadata(issuer), ...people];
  for (const endpoint of endpoints) {
    (paths[endpoint.path] ??= {})[endpoint.method] = endpointOperation(endpoint, schemas);
  }
  return { paths, responses: endpointRefusals(endpoints, schemas), schemas };
}
