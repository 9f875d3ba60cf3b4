import { beforeAll, expect, test } from '@jest/globals';
import type { FormFields, PageAnswer } from '../browser/page-client.ts';
import { browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, type PersonParty, pkce, registerAgent } from '../support/parties.ts';
import type { TestServer } from '../support/server.ts';
import { onEveryDatabase } from './nodes.ts';

const TABS = 6;
const ROUNDS = 5;

onEveryDatabase('a browser that does several things at once', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  let person: PersonParty;

  beforeAll(async () => {
    server = nodes().front;
    agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: ['authorization_code'] });
    person = await createPerson(server);
  });

  /** A browser in a request of its own. */
  function visit(browser = browserOf(server, person)) {
    const proof = pkce();
    const form = { scope: 'reports:read', ...proof.parameters };
    const url = authorizationUrl(server, agent, form);
    const redeem = (back: URL | undefined) => {
      const code = back?.searchParams.get('code') ?? '';
      return redeemCode(server, agent, { code, verifier: proof.verifier, redirectUri: CALLBACK });
    };
    return { browser, pages: browser.pages, url, redeem };
  }

  const sentTo = async ({ pages }: ReturnType<typeof visit>, page: PageAnswer, fields: FormFields) => {
    const { url, sending } = pages.prepare(page, fields);
    return (await pages.send(url, sending)).location ?? '';
  };
  const many = <T>(run: () => Promise<T>) => Promise.all(Array.from({ length: TABS }, run));

  test('comes back from a sign-in many times, and is asked for consent once', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const here = visit();
      const { pages, url, redeem } = here;
      const location = await sentTo(here, await pages.open(url), {
        email: person.email,
        password: person.password,
      });
      const answers = await many(() => pages.send(location));
      const onward = answers.filter(({ status }) => status === 303);
      expect(onward).toHaveLength(1);
      const back = await pages.submit(await pages.open(onward[0]?.location ?? ''), {});
      expect((await redeem(back.location)).status).toBe(200);
    }
  });

  test('comes back from a consent many times, and brings one code', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const here = visit();
      const location = await sentTo(here, await here.browser.consentPage(here.url), {});
      const answers = await many(() => here.pages.send(location));
      const codes = answers.filter(({ location: at }) => at?.searchParams.has('code'));
      expect(codes).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(TABS - 1);
      expect((await here.redeem(codes[0]?.location)).status).toBe(200);
    }
  });

  test('answers in many tabs, and each gets its own', async () => {
    const { browser, url } = visit();
    await browser.consentPage(url);
    for (let round = 0; round < ROUNDS; round += 1) {
      const statuses = await many(async () => {
        const { pages, url: own, redeem } = visit(browser);
        return (await redeem((await pages.submit(await pages.open(own), {})).location)).status;
      });
      expect(statuses).toEqual(Array(TABS).fill(200));
    }
  });

  test('signs out while it comes back from a consent, and is signed out', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const here = visit();
      const { pages, browser } = here;
      const location = await sentTo(here, await browser.consentPage(here.url), {});
      const out = await pages.open('/api/oauth/logout');
      const leaving = pages.prepare(out, { logout: 'yes' });
      const [signedOut] = await Promise.all([pages.send(leaving.url, leaving.sending), pages.send(location)]);
      expect(signedOut.status).toBe(303);
      expect((await pages.open(signedOut.location ?? '')).html).toContain('You are signed out');
      expect((await pages.open(visit(browser).url)).html).toContain('name="password"');
    }
  });
});
