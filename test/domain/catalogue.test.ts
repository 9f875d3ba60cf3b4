import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { builtInPermissions } from '../../src/domain/built-in-catalogue.ts';
import { invalidPermissions, listCatalogue } from '../../src/domain/catalogue.ts';
import { Permissions, type Permission, type PermissionText } from '../../src/domain/permission-builder.ts';
import { isWildcard, permissionFault } from '../../src/domain/permission.ts';

const catalogue = new Map([
  ...builtInPermissions(),
  ['read_weather', 'Read the weather data'],
  ['example:read', 'Read from the example API'],
]);
const reasonOf = (text: string) => invalidPermissions(catalogue, [text])[0]?.reason;

/** Every text of the builder, with the names that lead to it. */
function leaves(node: object, path: readonly string[] = []): [string, string][] {
  return Object.entries(node).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[[...path, name].join('.'), value]] : leaves(value, [...path, name]),
  );
}

describe('the built-in catalogue', () => {
  test('lists the documented services and their resources', () => {
    const listed = listCatalogue(builtInPermissions()).services.map(({ service, resources }) => [
      service,
      resources.map(({ resource }) => resource).join(' '),
    ]);
    expect(Object.fromEntries(listed)).toEqual({
      zendesk: 'tickets users',
      slack: 'messages channels',
      hubspot: 'contacts deals companies',
      github: 'repos issues pull_requests',
      salesforce: 'accounts leads',
      stripe: 'payments customers invoices',
    });
  });

  test('is well-formed, names nothing twice, and says what each permission means', () => {
    for (const [permission, description] of builtInPermissions()) {
      expect(permissionFault(permission)).toBeUndefined();
      expect(isWildcard(permission)).toBe(false);
      expect(description).toMatch(/^(Read|Create and change|Delete) [a-z ]+ in [A-Z]/);
    }
  });

  test('allows to read invoices and nothing else on them', () => {
    expect(reasonOf('stripe:invoices:read')).toBeUndefined();
    expect(reasonOf('stripe:invoices:write')).toBe(
      'names an unknown action on stripe:invoices; known are read',
    );
  });
});

describe('checking permissions against the catalogue', () => {
  test.each([
    'zendesk:tickets:read',
    'zendesk:tickets:*',
    'zendesk:*:*',
    '*:*:*',
    'read_weather',
    'example:read',
    'example:*',
  ])('knows %s', (text) => {
    expect(reasonOf(text)).toBeUndefined();
  });

  test.each([
    ['crm:notes:read', /^names an unknown service; known are zendesk, slack/],
    ['crm:*:*', /^names an unknown service/],
    ['zendesk:macros:read', /^names an unknown resource of zendesk; known are tickets, users$/],
    ['zendesk:macros:*', /^names an unknown resource of zendesk/],
    ['zendesk:tickets:close', /^names an unknown action on zendesk:tickets; known are read, write, delete$/],
    ['invalid:permission', /^is not in the catalogue of permissions$/],
    ['read_stock', /^is not in the catalogue/],
    ['*:tickets:read', /^has a wildcard before a name/],
    ['constructor:x:y', /^has a reserved name as a part: constructor$/],
    ['zendesk::read', /^has an empty part$/],
    ['zendesk:tickets:réad', /^must be printable ASCII/],
    ['x'.repeat(500), /^must have 1 to 128 characters$/],
  ])('says what is wrong with %s', (text, reason) => {
    expect(invalidPermissions(catalogue, ['zendesk:tickets:read', text, text])).toEqual([
      { permission: text.slice(0, 128), reason: expect.stringMatching(reason) },
    ]);
  });

  test('has an answer for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const known = new Set(catalogue.keys());
        const invalid = invalidPermissions(catalogue, texts);
        expect(invalid).toHaveLength(new Set(texts.filter((text) => !known.has(text))).size);
      }),
    );
  });

  test('an empty catalogue knows nothing', () => {
    expect(invalidPermissions(new Map(), ['a:b:c', 'read_weather', '*:*:*'])).toHaveLength(3);
  });
});

describe('the builder', () => {
  test('says what the catalogue says, and the wildcard at each level', () => {
    const built = leaves(Permissions).map(([, permission]) => permission);
    const { services } = listCatalogue(builtInPermissions());
    const wildcards = services.flatMap(({ wildcard, resources }) => [
      wildcard,
      ...resources.map((resource) => resource.wildcard),
    ]);
    expect(built.toSorted()).toEqual([...builtInPermissions().keys(), ...wildcards, '*:*:*'].toSorted());
    expect(invalidPermissions(builtInPermissions(), built)).toEqual([]);
  });

  test('is spelled as in the documented examples', () => {
    expect(Permissions.Zendesk.Tickets.Read).toBe('zendesk:tickets:read');
    expect(Permissions.Slack.Messages.Write).toBe('slack:messages:write');
    expect(Permissions.HubSpot.Contacts.Read).toBe('hubspot:contacts:read');
    expect(Permissions.HubSpot.All).toBe('hubspot:*:*');
    expect(Permissions.GitHub.Repos.All).toBe('github:repos:*');
    expect(Permissions.GitHub.PullRequests.Write).toBe('github:pull_requests:write');
    expect(Permissions.Admin).toBe('*:*:*');
  });

  test('cannot be changed by whoever imports it', () => {
    expect(() => Object.assign(Permissions.Zendesk.Tickets, { Read: '*:*:*' })).toThrow(TypeError);
    expect(() => Object.assign(Permissions, { Admin: 'x' })).toThrow(TypeError);
  });

  test('is checked by the compiler', () => {
    const written: readonly Permission[] = [
      Permissions.Zendesk.Tickets.Read,
      Permissions.Admin,
      'hubspot:contacts:read',
      'salesforce:leads:write',
      'stripe:invoices:*',
    ];
    const any: readonly PermissionText[] = [...written, 'read_weather', 'crm:notes:read'];
    // @ts-expect-error invoices are read-only
    expect(Permissions.Stripe.Invoices.Write).toBeUndefined();
    // @ts-expect-error no such resource
    expect(Permissions.Zendesk.Macros).toBeUndefined();
    // @ts-expect-error not in the catalogue
    const wrong: Permission = 'stripe:invoices:write';
    // @ts-expect-error a wildcard stands at the end only
    const misplaced: Permission = '*:tickets:read';
    expect(invalidPermissions(catalogue, [...written, wrong, misplaced])).toHaveLength(2);
    expect(any).toHaveLength(7);
  });
});
