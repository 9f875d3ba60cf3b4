import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { revokeGrant } from '../../../src/app/tokens/revoke-grant.ts';
import type { Agent } from '../../../src/domain/agent.ts';
import type { User } from '../../../src/domain/user.ts';
import { CALLER } from '../../support/app-context.ts';
import { PASSWORD, REDIRECT_URI, VERIFIER } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();
let agent: Agent;
let parent: Record<string, unknown>;
beforeAll(async () => {
  agent = await app.agent({ tools: ['search', 'mail'] });
});

/** A task of the person with less than the agent may hold, for the tool `search`. */
async function openParent(taskId: string) {
  const { browser, page } = await atConsent(agent, {
    ...user,
    over: { task_id: taskId, required_tools: 'search' },
  });
  const back = await browser.submit(page, { scope: 'reports:read' });
  parent = (await redeem(agent, back.location)).body;
}

/** R9: the parent token comes through PAR, with the verifier of its task. */
async function push(over: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${app.issuer}/api/oauth/par`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: agent.clientId,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      state: 'state-of-the-client',
      scope: 'reports:read',
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
      parent_token: String(parent.access_token),
      code_verifier: VERIFIER,
      ...over,
    }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ request_uri: expect.any(String) });
  const query = new URLSearchParams({ client_id: agent.clientId, request_uri: String(body.request_uri) });
  return `/api/oauth/authorize?${query.toString()}`;
}

async function signInAs(person: User, path: string) {
  const browser = newBrowser();
  const page = await browser.open(path);
  return { browser, page: await browser.submit(page, { email: person.email, password: PASSWORD }) };
}

describe('an authorization below a task', () => {
  test('shows the task that it is part of, and grants within it', async () => {
    await openParent('parent-1');
    const { browser, page } = await signInAs(user, await push());
    expect(page.html).toContain('<dt>Part of your task</dt><dd><code>parent-1</code></dd>');
    expect(page.html).toMatch(/<dt>Tools it may use<\/dt><dd><ul><li><code>search<\/code><\/li><\/ul>/);
    const back = await browser.submit(page, {});
    const { status, body } = await redeem(agent, back.location);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      scope: 'reports:read',
      parent_task_id: 'parent-1',
      granted_tools: ['search'],
    });
  });

  test('is refused to another person than the parent’s (R9)', async () => {
    await openParent('parent-2');
    const { page } = await signInAs(await app.person(), await push());
    expect(page.location?.searchParams.get('error')).toBe('access_denied');
    expect(page.location?.searchParams.get('error_description')).toMatch(/^subject_mismatch: /);
    expect((await app.events('authorization_denied'))[0]?.reason).toMatch(/^subject_mismatch/);
  });

  test('is refused when the parent was revoked while the person read', async () => {
    await openParent('parent-3');
    const { browser, page } = await signInAs(user, await push());
    const { grant } = (await app.store.tasks.byTaskId('parent-3')) ?? { grant: '' };
    await revokeGrant(app.context, { caller: CALLER, grant, reason: 'withdrawn', type: 'consent_revoked' });
    const back = await browser.submit(page, {});
    expect(back.location?.searchParams.get('error')).toBe('invalid_request');
    expect(back.location?.searchParams.get('error_description')).toMatch(/^parent_revoked: /);
  });
});
