import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';
import { configDirectory } from './config-directory.ts';

const { load, write, faultsOf, problem } = configDirectory();

describe('webhooks', () => {
  test('may be on this machine in development, by the configuration that comes with the product', () => {
    expect(loadConfig({}, join(import.meta.dirname, '../..')).webhooks).toMatchObject({
      allowHttp: true,
      allowedNetworks: ['127.0.0.0/8', '::1/128'],
      ports: 'any',
    });
    expect(load({}).webhooks).toMatchObject({ allowHttp: false, allowedNetworks: [], ports: [443, 8443] });
  });

  test('may be in networks that a variable lists', () => {
    const { webhooks } = load({ WEBHOOK_ALLOWED_NETWORKS: '10.20.0.0/16, fd00::/8', WEBHOOK_TIMEOUT: '3' });
    expect(webhooks).toMatchObject({ allowedNetworks: ['10.20.0.0/16', 'fd00::/8'], timeout: 3 });
    const wrong = 'must be a network such as 10.0.0.0/8 or fd00::/8';
    for (const network of ['10.0.0.1', '10.0.0.0/33', 'localhost', '300.0.0.0/8']) {
      expect(faultsOf({ WEBHOOK_ALLOWED_NETWORKS: network })).toMatchObject([
        { problem: expect.stringContaining(wrong) },
      ]);
    }
  });

  test('keep their log no longer than the events in it', () => {
    write('config/development.json', { retention: { auditDays: 10, webhooksDays: 11 } });
    expect(problem({}, 'retention.webhooksDays')).toBe('must not exceed retention.auditDays (10 days)');
  });
});
