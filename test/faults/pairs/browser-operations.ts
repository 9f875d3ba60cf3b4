import type { PageAnswer, Sending } from '../../browser/page-client.ts';
import { CALLBACK, redeemCode } from '../../support/code-flow.ts';
import { type Answer, send } from '../../support/requests.ts';
import type { Operation } from './operations.ts';
import type { Scene } from './scene.ts';

type Visit = Awaited<ReturnType<Scene['visit']>>;

/** What a person does with a page: one request, redirects not followed. */
interface Step {
  readonly visit: Visit;
  readonly url: string | URL | undefined;
  readonly sending?: Sending;
}

function step(make: (scene: Scene) => Promise<Step>): Operation {
  return async (scene) => {
    const { visit, url, sending } = await make(scene);
    if (url === undefined) throw new Error('the browser was not sent anywhere');
    return async () => {
      const answer = await visit.browser.pages.send(url, sending);
      return { ...answerOf(answer), goOn: () => goOn(scene, visit, answer) };
    };
  };
}

function answerOf({ status, headers, html: text }: PageAnswer): Answer {
  return { status, headers, text, body: {} };
}

/** Follows where the browser was sent, up to what the client gets of it. */
async function goOn(scene: Scene, { browser, verifier }: Visit, sent: PageAnswer): Promise<Answer> {
  const own = sent.location?.origin === new URL(scene.server.issuer).origin;
  const answer = own && sent.location ? await browser.pages.open(sent.location) : sent;
  const code = answer.location?.searchParams.get('code');
  if (typeof code !== 'string') return answerOf(answer);
  return redeemCode(scene.server, await scene.agent(), { code, verifier, redirectUri: CALLBACK });
}

/** A form that is sent by a person who reads what the page says. */
function fill(
  at: 'signingIn' | 'asked',
  fieldsOf: (scene: Scene) => Promise<Record<string, string>>,
): Operation {
  return step(async (scene) => {
    const visit = await scene[at]();
    return { visit, ...visit.browser.pages.prepare(visit.page, await fieldsOf(scene)) };
  });
}

const password = async (scene: Scene) => {
  const { email, password: known } = await scene.person();
  return { email, password: known };
};

export const BROWSER_OPERATIONS = {
  'sign in': fill('signingIn', password),
  'come back signed in': step(async (scene) => {
    const visit = await scene.signingIn();
    return { visit, url: await sentBy(visit, await password(scene)) };
  }),
  'read what is asked': step(async (scene) => {
    const visit = await scene.asked();
    return { visit, url: visit.page.url };
  }),
  allow: fill('asked', async () => ({})),
  decline: step(async (scene) => {
    const visit = await scene.asked();
    const action = /formaction="([^"]+\/abort)"/.exec(visit.page.html)?.[1] ?? '';
    return { visit, ...visit.browser.pages.prepare(visit.page, {}, { action }) };
  }),
  'come back with the approval': step(async (scene) => {
    const visit = await scene.asked();
    return { visit, url: await sentBy(visit, {}) };
  }),
  'be asked once more': step(async (scene) => {
    const { browser } = await scene.asked();
    const visit = await scene.visit();
    return { visit: { ...visit, browser }, url: visit.url };
  }),
  'sign out': step(async (scene) => {
    const visit = await scene.asked();
    const page = await visit.browser.pages.open('/api/oauth/logout');
    return { visit, ...visit.browser.pages.prepare(page, { logout: 'yes' }) };
  }),
  'ask about the task': async (scene) => {
    const [{ token }, { headers }] = [await scene.task(), await scene.api()];
    const init = { method: 'POST', body: new URLSearchParams({ token }), headers };
    return () => send(scene.server, '/api/oauth/introspect', init);
  },
} as const satisfies Readonly<Record<string, Operation>>;

/** Where the form of a page leads. */
async function sentBy({ browser, page }: Visit & { page: PageAnswer }, fields: Record<string, string>) {
  const { url, sending } = browser.pages.prepare(page, fields);
  return (await browser.pages.send(url, sending)).location;
}

/** Whether browsers are signed in, and what their pages say. */
export async function browsersOf(scene: Scene): Promise<string[]> {
  const lines: string[] = [];
  for (const at of ['signingIn', 'asked'] as const) {
    if (!scene.has(at)) continue;
    const { browser, page } = await scene[at]();
    const silent = (await scene.visit()).url;
    silent.searchParams.set('prompt', 'none');
    const { status, location } = await browser.pages.send(silent);
    lines.push(`${at}: signed in? ${status} ${location?.searchParams.get('error')}`);
    const again = await browser.pages.open(page.url);
    lines.push(`${at}: the page now: ${again.status} ${/<h1>(.*?)<\/h1>/.exec(again.html)?.[1]}`);
  }
  return lines;
}
