import { createPageClient, type PageAnswer, type PageClient } from '../browser/page-client.ts';
import type { PersonParty } from './parties.ts';
import type { RunningServer } from './server.ts';

/** A person at a browser, as far as one without scripts goes. */
export interface BrowserSession {
  /** Signs in where asked, allows what is asked (or only `scope`), and answers where the client's browser lands. */
  allow(url: string | URL, choice?: { readonly scope?: readonly string[] }): Promise<URL>;
  /** Signs in where asked and declines. */
  decline(url: string | URL): Promise<URL>;
  /** The page that asks for consent, signed in. */
  consentPage(url: string | URL): Promise<PageAnswer>;
  readonly pages: PageClient;
}

/** A browser that stays signed in from one authorization to the next. */
export function browserOf(server: RunningServer, person: PersonParty): BrowserSession {
  const pages = createPageClient(server.issuer);
  const consentPage = async (url: string | URL): Promise<PageAnswer> => {
    const page = await pages.open(url);
    if (!page.html.includes('name="password"')) return page;
    return pages.submit(page, { email: person.email, password: person.password });
  };
  return {
    pages,
    consentPage,
    async allow(url, choice = {}) {
      const page = await consentPage(url);
      // Refused before anyone was asked: the browser is back at the client already.
      if (page.location) return page.location;
      return destination(await pages.submit(page, choice.scope ? { scope: choice.scope } : {}));
    },
    async decline(url) {
      const page = await consentPage(url);
      const action = /formaction="([^"]+\/abort)"/.exec(page.html)?.[1] ?? '';
      return destination(await pages.submit(page, {}, { action }));
    },
  };
}

function destination({ location, status, html }: PageAnswer): URL {
  if (!location) throw new Error(`the browser was not sent back to the client: ${status} ${html}`);
  return location;
}
