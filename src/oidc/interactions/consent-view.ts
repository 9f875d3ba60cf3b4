import type { ConsentChoice, ConsentView } from '../views/consent-page.ts';
import { formTargets } from '../views/form-targets.ts';
import type { ConsentTerms } from './consent-terms.ts';
import { IDENTITY_DESCRIPTIONS, isFixed } from './identity-scopes.ts';
import type { Limit } from './offer.ts';
import type { InteractionsOptions } from './options.ts';
import type { Pending } from './pending.ts';

export interface ConsentForm {
  readonly formToken: string;
  readonly shown: string;
  /** What was ticked before the terms changed; undefined on the first showing. */
  readonly ticked: readonly string[] | undefined;
}

const BECAUSE: Readonly<Record<Limit, string>> = {
  person: 'Your own account does not have this right.',
  agent: 'The application may never hold this right.',
  parent: 'The task that this one is part of does not have this right.',
};

/** The terms in the words of the page. */
export function consentView(
  { context }: Pick<InteractionsOptions, 'context'>,
  { path, client, redirectUri }: Pending,
  terms: ConsentTerms,
  { formToken, shown, ticked }: ConsentForm,
): ConsentView {
  const { agent, user, asked, offered, unavailable } = terms;
  const choice = (right: string, description: string | undefined): ConsentChoice => ({
    right,
    description,
    fixed: isFixed(right),
    ticked: ticked === undefined || isFixed(right) || ticked.includes(right),
  });
  return {
    path,
    formToken,
    shown,
    client,
    // Nobody answers for it: an administrator who does is entered as the owner.
    unverified: agent.owner === null,
    account: user.email,
    formTargets: formTargets(redirectUri),
    returnsTo: destination(redirectUri),
    taskId: asked.request.taskId,
    description: asked.request.description,
    parentTaskId: terms.parent?.task.taskId,
    choices: [
      ...offered.map(({ right }) => choice(right, terms.catalogue.get(right))),
      ...asked.identity.map((scope) => choice(scope, IDENTITY_DESCRIPTIONS[scope])),
    ],
    unavailable: unavailable.map(({ right, because }) => ({ right, because: BECAUSE[because] })),
    audiences: asked.audiences,
    tools: terms.tools,
    resources: terms.resources,
    delegates: terms.delegates,
    agreedSeconds: terms.agreedSeconds,
    endsAt: context.clock.now() + terms.seconds * 1000,
    lasts: duration(terms.seconds),
    changed: ticked !== undefined,
  };
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** S10: the host, or that it is an application on the person's own device (RFC 8252 §7). */
function destination(redirectUri: string): string {
  const url = URL.parse(redirectUri);
  if (!url) return redirectUri;
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `an application on this device (${url.protocol})`;
  return LOOPBACK.has(url.hostname) ? `an application on this device (${url.hostname})` : url.host;
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

function duration(seconds: number): string {
  const [name, size] = UNITS.find(([, unit]) => seconds >= unit) ?? ['second', 1];
  const count = Math.round(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
