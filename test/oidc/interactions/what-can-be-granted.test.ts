import { describe, expect, test } from '@jest/globals';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent, redeem, patchAgent } = interactionsScene();

describe('what can be granted', () => {
  test('never exceeds the person’s own rights; the rest is shown as not available', async () => {
    const agent = await app.agent();
    const reader = await app.person(['reports:read']);
    const { browser, page } = await atConsent(agent, reader);
    expect(page.html).not.toContain('value="reports:write"');
    expect(page.html).toMatch(
      /<code>reports:write<\/code><\/dt><dd>Your own account does not have this right/,
    );
    const back = await browser.submit(page, { scope: ['reports:read', 'reports:write'] });
    expect((await redeem(agent, back.location)).body.scope).toBe('reports:read');
  });

  test('is nothing for a person without any of the rights: there is no button to allow it', async () => {
    const { browser, page } = await atConsent(await app.agent(), await app.person(['files:read']));
    expect(page.html).not.toContain('>Allow</button>');
    expect(page.html).toContain('<h1>This application cannot act for you</h1>');
    expect(page.html).toContain('there is nothing that you could allow');
    // Nor does anything last, or reach anywhere.
    expect(page.html).not.toContain('how long');
    expect(page.html).not.toContain('Unverified application');
    const back = await browser.submit(page, { scope: 'reports:read' });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
  });

  test('is the person’s part of a wildcard', async () => {
    const agent = await app.agent({ permissions: ['reports:*'] });
    const { browser, page } = await atConsent(agent, {
      ...(await app.person(['reports:read'])),
      over: { scope: 'reports:*', resource: await app.audience() },
    });
    expect(page.status).toBe(200);
    const back = await browser.submit(page, {});
    expect((await redeem(agent, back.location)).body.scope).toBe('reports:read');
  });

  test('includes who the person is: openid always, name and address as they like', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, {
      ...user,
      over: { scope: 'openid email reports:read' },
    });
    expect(page.html).toMatch(/value="openid" checked disabled/);
    expect(page.html).toMatch(/value="email" checked>/);
    const back = await browser.submit(page, { scope: 'reports:read' });
    const { body } = await redeem(agent, back.location);
    const [, claims = ''] = String(body.id_token).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ sub: user.userId });
    expect(body.scope).toBe('reports:read');
  });

  test('may be identity alone: then no service and no tools', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, {
      ...user,
      over: { scope: 'openid email profile' },
    });
    expect(page.html).not.toContain('Services it may use');
    const back = await browser.submit(page, { scope: 'email' });
    const { status, body } = await redeem(agent, back.location);
    expect(status).toBe(200);
    expect(body).toMatchObject({ scope: 'openid email', granted_tools: [] });
    const info = await fetch(`${app.issuer}/api/oauth/userinfo`, {
      headers: { authorization: `Bearer ${String(body.access_token)}` },
    });
    expect(await info.json()).toEqual({ sub: user.userId, email: user.email });
  });

  test('is what was shown: a change in between brings the page back', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    await patchAgent(agent, { tools: ['search', 'delete-everything'] });
    const again = await browser.submit(page, { scope: 'reports:read' });
    expect(again.status).toBe(409);
    expect(again.html).toMatch(/role="alert"[^>]*>\s*<h2>This request has changed/);
    expect(again.html).toContain('delete-everything');
    expect(again.html).toMatch(/value="reports:read" checked/);
    expect(again.html).toMatch(/value="reports:write">/);
    const back = await browser.submit(again, {});
    expect((await redeem(agent, back.location)).body).toMatchObject({
      scope: 'reports:read',
      granted_tools: ['search', 'delete-everything'],
    });
  });

  test('[R17] lasts no longer than was shown, whatever the client may have been allowed by the time of redemption', async () => {
    const agent = await app.agent({ maxTaskSeconds: 120 });
    const { browser, page } = await atConsent(agent, user);
    expect(page.html).toContain('in 2 minutes');
    const { location } = await browser.submit(page, {});
    await patchAgent(agent, { maxTaskSeconds: null });
    const { body } = await redeem(agent, location);
    const { expires_at } = body['task'] as { expires_at: number };
    expect(expires_at).toBeLessThanOrEqual(app.clock.now() / 1000 + 120);
  });
});
