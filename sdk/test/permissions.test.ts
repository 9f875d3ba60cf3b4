import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  BUILT_IN_SERVICES,
  builtInPermissions,
  covers,
  type Permission,
  Permissions,
} from '@taskgrant/sdk/permissions';
import fc from 'fast-check';
import { covers as serverCovers } from '../../src/domain/scope.ts';

/** Permissions by name: the server's own catalogue and rule, which the package cannot import. */
describe('one truth', () => {
  test.each(['built-in-catalogue.ts', 'permission-builder.ts'])(
    '%s is the server’s, to the letter',
    (file) => {
      const read = (folder: string) =>
        readFileSync(new URL(`../../${folder}/${file}`, import.meta.url), 'utf8');
      expect(read('sdk/src/permissions')).toBe(read('src/domain'));
    },
  );

  test('what covers what is what the server says (property)', () => {
    const part = fc.constantFrom('*', 'a', 'b', 'read', '');
    const right = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':'));
    const rights = fc.array(right, { maxLength: 4 });
    fc.assert(
      fc.property(rights, rights, (held, asked) => {
        expect(covers(held, asked)).toBe(serverCovers(held, asked));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the builder', () => {
  test('names permissions and wildcards at every level', () => {
    const named: readonly Permission[] = [
      Permissions.Zendesk.Tickets.Read,
      Permissions.Slack.Messages.Write,
      Permissions.GitHub.PullRequests.All,
      Permissions.HubSpot.All,
      Permissions.Stripe.Invoices.Read,
      Permissions.Admin,
    ];
    expect(named).toEqual([
      'zendesk:tickets:read',
      'slack:messages:write',
      'github:pull_requests:*',
      'hubspot:*:*',
      'stripe:invoices:read',
      '*:*:*',
    ]);
    // @ts-expect-error invoices are read-only
    expect(Permissions.Stripe.Invoices.Write).toBeUndefined();
  });

  test('names every permission that the server knows from the start', () => {
    const leaves = (value: object): string[] =>
      Object.values(value).flatMap((each) => (typeof each === 'string' ? [each] : leaves(each as object)));
    const concrete = leaves(Permissions).filter((permission) => !permission.includes('*'));
    expect(new Set(concrete)).toEqual(new Set(builtInPermissions().keys()));
    expect(Object.keys(BUILT_IN_SERVICES)).toContain('salesforce');
  });

  test('cannot be changed', () => {
    expect(Object.isFrozen(Permissions)).toBe(true);
    expect(Object.isFrozen(Permissions.Zendesk.Tickets)).toBe(true);
  });

  test('covers by components: an action by its resource, a resource by its service', () => {
    expect(covers([Permissions.Zendesk.Tickets.All], [Permissions.Zendesk.Tickets.Read])).toBe(true);
    expect(covers([Permissions.Zendesk.All], ['zendesk:tickets:read', 'zendesk:users:write'])).toBe(true);
    expect(covers([Permissions.Zendesk.Tickets.Read], [Permissions.Zendesk.Tickets.All])).toBe(false);
    expect(covers([], [])).toBe(true);
  });
});
