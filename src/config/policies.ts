import type { Config } from './config.ts';
import type { PolicyRule } from './settings/policies.ts';

/** The setting to change and what is wrong with it. */
type Broken = readonly [setting: string, problem: string];

/** The name under which `policies.allowedDelegations` decides. */
const FOLDED = 'allowedDelegations';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Every policy, in the order in which they decide. */
export function policiesOf({ policies, issuer }: Pick<Config, 'policies' | 'issuer'>) {
  const { allowedDelegations: pairs, rules } = policies;
  const folded = {
    kind: 'delegate_pairs' as const,
    name: FOLDED,
    reason: 'the configuration allows this pair of clients',
    match: {},
    effect: 'allow' as const,
    pairs,
  };
  const withIssuer = (audience: string) => audience.replaceAll('{issuer}', () => issuer);
  return [...(pairs.length > 0 ? [folded] : []), ...rules.map((rule) => policyOf(rule, withIssuer))];
}

function policyOf({ match = {}, except, ...rule }: PolicyRule, withIssuer: (audience: string) => string) {
  const about = (one: typeof match) => ({ ...one, audiences: one.audiences?.map(withIssuer) });
  const named = { match: about(match), except: except && about(except) };
  switch (rule.kind) {
    case 'allowed_resources':
      return { ...rule, ...named, audiences: rule.audiences?.map(withIssuer) };
    case 'decision_point': {
      const { url, path, sendToken: sendsToken, ...rest } = rule;
      return { ...rest, ...named, sendsToken, endpoint: `${url}/v1/data/${path}` };
    }
    default:
      return { ...rule, ...named };
  }
}

/** What must hold between policies and other settings. */
export function policyRules({ policies }: Config): Broken[] {
  const { rules, token } = policies;
  return rules.flatMap(({ name, ...rule }, i): Broken[] => {
    const at = `policies.rules.${i}`;
    const broken: Broken[] = [];
    if (name === FOLDED || rules.findIndex((other) => other.name === name) !== i)
      broken.push([`${at}.name`, `must be a name of its own, "${name}" is taken`]);
    if (rule.kind === 'decision_point' && rule.sendToken && token === undefined)
      broken.push([`${at}.sendToken`, 'needs POLICY_TOKEN to be set']);
    return broken;
  });
}

/** Anyone on the way could read the token, and could answer. */
export function unsafePolicies({ policies }: Config): Broken[] {
  return policies.rules.flatMap((rule, i): Broken[] => {
    if (rule.kind !== 'decision_point') return [];
    const { protocol, hostname } = new URL(rule.url);
    const exposed = protocol === 'http:' && !LOOPBACK.has(hostname);
    return exposed && rule.sendToken
      ? [
          [
            `policies.rules.${i}.url`,
            'must be https in production where sendToken is true (http on localhost only)',
          ],
        ]
      : [];
  });
}
