import { html, type Markup } from './html.ts';

export interface ClientLabel {
  readonly clientId: string;
  /** Chosen by the client itself: untrusted. */
  readonly name: string;
}

/** A client's name as its own claim: quoted, isolated from the direction of the text around it, with the id. */
export function clientName({ name, clientId }: ClientLabel): Markup {
  return html`<strong>“<bdi>${name}</bdi>”</strong> <code class="quiet">(${clientId})</code>`;
}
