import type { ErrorPage } from '../views/error-page.ts';

/** A request that ends with an error page, wherever it is noticed. */
export class PageRefusal extends Error {
  readonly page: ErrorPage;

  constructor(page: ErrorPage) {
    super(page.message);
    this.page = page;
  }
}

/** For interactions that are unknown, answered, expired, or another browser's: they look the same from here. */
export function requestEnded(): PageRefusal {
  return new PageRefusal({
    status: 400,
    title: 'This request has ended',
    message:
      'It was answered already, took too long, ended when you signed out, or was opened in another browser.',
    advice:
      'If the application goes on, you can close this page. Otherwise go back to the application and start again, with cookies switched on.',
  });
}
