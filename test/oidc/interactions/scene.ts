import { createPageClient } from '../../browser/page-client.ts';
import { madeOnce } from '../../support/made.ts';
import { atConsent, authorizePath, patchAgent, patchUser, redeem, startInteractionsApp } from './app.ts';

/** The pages, a person who has an account there, and what the person does in a browser. */
export function interactionsScene() {
  const app = madeOnce(
    () => startInteractionsApp(),
    ({ stop }) => stop(),
  );
  const user = madeOnce(() => app.person());
  return {
    app,
    user,
    newBrowser: () => createPageClient(app.issuer),
    /** A browser at the sign-in page of a fresh request. */
    async atSignIn(over: Record<string, string> = {}) {
      const browser = createPageClient(app.issuer);
      const agent = await app.agent();
      return { agent, browser, page: await browser.open(authorizePath(agent, over)) };
    },
    /** A browser in which somebody has signed in, at the page that asks for consent. */
    atConsent: (...asking: Following<typeof atConsent>) => atConsent(app, ...asking),
    /** Redeems the code that a redirect brought. */
    redeem: (...code: Following<typeof redeem>) => redeem(app, ...code),
    patchAgent: (...patch: Following<typeof patchAgent>) => patchAgent(app, ...patch),
    patchUser: (...patch: Following<typeof patchUser>) => patchUser(app, ...patch),
  };
}

/** Its parameters after the first one. */
type Following<T extends (...all: never[]) => unknown> =
  Parameters<T> extends [unknown, ...infer Rest] ? Rest : never;
