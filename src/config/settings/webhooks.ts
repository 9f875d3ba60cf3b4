import { z } from 'zod';
import { flag, setting, wholeNumber } from '../setting.ts';

/** `address/prefix`, IPv4 or IPv6. */
const network = z.union([z.cidrv4(), z.cidrv6()], {
  error: 'must be a network such as 10.0.0.0/8 or fd00::/8',
});

const DAY = 86_400;

/** Where events may be sent, and how hard the server tries. */
export const webhookSettings = {
  webhooks: z.strictObject({
    allowHttp: setting(flag, {
      env: 'WEBHOOK_ALLOW_HTTP',
      default: false,
      defaultText: 'false; true in `config/development.json`',
      description: 'Whether webhooks may have http URLs; refused in production.',
    }),
    allowedNetworks: setting(z.array(network, { error: 'must be a list of networks' }), {
      env: 'WEBHOOK_ALLOWED_NETWORKS',
      default: [],
      defaultText: 'none; loopback in `config/development.json`',
      description:
        'Networks beside the public internet that webhooks may be in, such as `10.20.0.0/16`; separated by commas in the variable. Loopback and link-local ones are refused in production.',
      fromText: (value) => value.split(',').map((each) => each.trim()),
    }),
    ports: setting(
      z.union([z.array(wholeNumber(1, 65_535)).min(1), z.literal('any')], {
        error: 'must be a list of ports, or any',
      }),
      {
        default: [443, 8443],
        defaultText: '443, 8443; any in `config/development.json`',
        description: 'Ports that webhooks may have, or `any`.',
      },
    ),
    perAgent: setting(wholeNumber(0, 1000), {
      env: 'WEBHOOKS_PER_AGENT',
      default: 10,
      description: 'Webhooks that one agent may have of its own; 0 leaves them to administrators.',
    }),
    timeout: setting(wholeNumber(1, 60), {
      env: 'WEBHOOK_TIMEOUT',
      unit: 'seconds',
      default: 10,
      description: 'How long one attempt may take, looking up the name included.',
    }),
    retryPauses: setting(z.array(wholeNumber(1, 7 * DAY), { error: 'must be a list of seconds' }).max(20), {
      unit: 'seconds',
      default: [10, 120, 600, 3600, 14_400, 43_200, 115_200],
      description:
        'Longest pause before each further attempt; the real one is random up to it. With the default there are eight attempts over about a day.',
    }),
    disableAfter: setting(wholeNumber(1, 10_000), {
      env: 'WEBHOOK_DISABLE_AFTER',
      unit: 'deliveries',
      default: 10,
      description: 'Deliveries in a row that are given up before the webhook is disabled.',
    }),
    perHost: setting(wholeNumber(1, 100), {
      env: 'WEBHOOK_REQUESTS_PER_HOST',
      unit: 'requests',
      default: 4,
      description: 'Deliveries that one server process makes to one host at the same time.',
    }),
    secretOverlap: setting(wholeNumber(0, 30 * DAY), {
      env: 'WEBHOOK_SECRET_OVERLAP',
      unit: 'seconds',
      default: DAY,
      description: 'How long a secret that was replaced goes on signing beside the new one.',
    }),
  }),
};
