import { expect, test } from '@jest/globals';
import { authorizationUrl } from '../support/code-flow.ts';
import { pkce } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { auditEvents } from '../support/token-requests.ts';
import { atOnce, onEveryDatabase, tally } from './nodes.ts';

const REDIRECT = 'http://localhost/callback';
const PEOPLE = 16;

/** Every URL answers with metadata of its own. */
const documents: typeof globalThis.fetch = async (input) => {
  const client_id = input instanceof Request ? input.url : input.toString();
  const redirect_uris = [REDIRECT];
  return Response.json({
    client_id,
    client_name: 'An editor',
    redirect_uris,
    token_endpoint_auth_method: 'none',
  });
};

onEveryDatabase(
  'a client that names itself by the URL of its metadata document',
  (nodes) => {
    test('is registered once when many people come with it for the first time at the same moment', async () => {
      const { front } = nodes();
      for (const name of ['a', 'b', 'c', 'd']) {
        const clientId = `https://${name}.example.com/metadata.json`;
        const form = { redirect_uri: REDIRECT, ...pkce().parameters };
        const { pathname, search } = authorizationUrl(front, { clientId }, form);
        const answers = await atOnce(() => send(front, `${pathname}${search}`), PEOPLE);
        expect(tally(answers)).toEqual({ 303: PEOPLE });
        for (const { headers } of answers) expect(headers.get('location')).toMatch(/^\/interaction\//);
        const registered = await auditEvents(front, { event_type: 'client_registered', client_id: clientId });
        expect(registered).toHaveLength(1);
      }
    });
  },
  { fetch: documents },
);
