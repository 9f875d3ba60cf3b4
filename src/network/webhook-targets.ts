import { isIP } from 'node:net';
import type { WebhookTargets } from '../app/ports/webhooks.ts';
import type { AddressRule } from './public-address.ts';

export interface TargetRules {
  readonly allowHttp: boolean;
  readonly ports: readonly number[] | 'any';
  readonly allows: AddressRule;
}

/** Names that mean this machine whatever a resolver says (RFC 6761 §6.3). */
const LOOPBACK_NAME = /(^|[.])localhost[.]?$/i;

/** What can be told of a URL by looking at it; its address is looked at when something is sent. */
export function createWebhookTargets({ allowHttp, ports, allows }: TargetRules): WebhookTargets {
  return {
    problemOf(url) {
      if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
        return allowHttp ? 'must be an http or https URL' : 'must be an https URL';
      }
      if (url.username !== '' || url.password !== '') return 'must not hold a user name or password';
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
      if (ports !== 'any' && !ports.includes(port)) return `must have one of the ports ${ports.join(', ')}`;
      return mayBePublic(url.hostname, allows) ? undefined : 'must not lead to a private address';
    },
  };
}

function mayBePublic(hostname: string, allows: AddressRule): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return allows(bare);
  return !LOOPBACK_NAME.test(bare) || allows('127.0.0.1') || allows('::1');
}
