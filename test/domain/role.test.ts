import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ceilingOf, defaultScopeOf } from '../../src/domain/agent.ts';
import { grantReasons, heldBy } from '../../src/domain/grant-reason.ts';
import { checkRoleName, heldRights } from '../../src/domain/role.ts';
import { concrete, covers, intersect } from '../../src/domain/scope.ts';
import { aChild, anAgent, aTask } from '../support/fixtures.ts';
import { meeting } from './permissions.ts';
import { refusalOf } from './rights.ts';

const scope = fc.uniqueArray(meeting, { maxLength: 5 });
const roles = fc
  .array(scope, { maxLength: 3 })
  .map((sets) => sets.map((permissions, i) => ({ name: `role-${i}`, permissions })));

describe('an agent with roles', () => {
  test('may be granted what it was given itself and what each role holds, and nothing else', () => {
    fc.assert(
      fc.property(scope, roles, (permissions, held) => {
        const { rights } = ceilingOf(anAgent({ permissions, roles: held }));
        const sources = [permissions, ...held.map((role) => role.permissions)];
        for (const source of sources) expect(covers(rights, source)).toBe(true);
        for (const right of rights) expect(sources.some((source) => source.includes(right))).toBe(true);
        expect(new Set(rights).size).toBe(rights.length);
      }),
    );
  });

  test('has a default scope within that, without wildcards of its roles, whatever was set before', () => {
    fc.assert(
      fc.property(scope, scope, roles, (permissions, defaultScope, held) => {
        const agent = anAgent({ permissions, defaultScope, roles: held });
        const given = defaultScopeOf(agent);
        expect(covers(heldRights(agent), given)).toBe(true);
        expect(new Set(given).size).toBe(given.length);
        for (const right of given) {
          expect(defaultScope.includes(right) || concrete(heldRights(agent)).includes(right)).toBe(true);
        }
      }),
    );
  });

  test('has everything concrete in a default scope that was never set apart', () => {
    const permissions = ['reports:read', 'files:*'];
    const held = [{ name: 'support', permissions: ['zendesk:tickets:*', 'zendesk:users:read'] }];
    const following = { permissions, defaultScope: ['reports:read'], roles: held };
    expect(defaultScopeOf(anAgent(following))).toEqual(['reports:read', 'zendesk:users:read']);
    expect(defaultScopeOf(anAgent({ ...following, permissions: [], defaultScope: [] }))).toEqual([
      'zendesk:users:read',
    ]);
    expect(defaultScopeOf(anAgent({ ...following, defaultScope: [] }))).toEqual([]);
    const lost = { ...following, defaultScope: ['reports:read', 'zendesk:users:read'], roles: [] };
    expect(defaultScopeOf(anAgent(lost))).toEqual(['reports:read']);
  });
});

describe('the reason of a grant', () => {
  const support = { name: 'support', permissions: ['zendesk:*:*', 'reports:read'] };
  const agent = anAgent({ permissions: ['reports:read', 'files:*'], roles: [support] });
  const asked = ['reports:read', 'files:q1', 'zendesk:tickets:read'];

  test('is its own permission first, then the role that holds it', () => {
    expect(grantReasons(aTask(), agent, asked)).toEqual({
      'reports:read': 'permission',
      'files:q1': 'permission',
      'zendesk:tickets:read': 'role:support',
    });
  });

  test('is the parent for a child, and consent for what a person approved', () => {
    const child = aChild(aTask(), 'token-1');
    expect(grantReasons(child, agent, ['reports:read'])).toEqual({ 'reports:read': 'parent' });
    const approved = aTask({ origin: 'authorization_code', subjectKind: 'user' });
    expect(grantReasons(approved, agent, ['reports:read'])).toEqual({ 'reports:read': 'consent' });
  });

  test('is told of every right, and names a source that holds it', () => {
    fc.assert(
      fc.property(scope, roles, scope, (permissions, held, wanted) => {
        const holder = { permissions, roles: held };
        const granted = intersect(wanted, heldRights(holder));
        const reasons = heldBy(holder, granted);
        expect(Object.keys(reasons).toSorted()).toEqual([...granted].toSorted());
        for (const [right, reason] of Object.entries(reasons)) {
          const source = held.find(({ name }) => reason === `role:${name}`)?.permissions ?? permissions;
          expect(covers(source, [right])).toBe(true);
        }
      }),
    );
  });
});

test.each(['support', 'a', 'tier-2_support', 'x'.repeat(64)])('%s names a role', (name) => {
  expect(checkRoleName(name)).toBe(name);
});

test.each(['', 'Support', '2nd', '-a', 'a b', 'a:b', 'süpport', '__proto__', 'a\n', 'x'.repeat(65)])(
  '%j does not',
  (name) => {
    expect(refusalOf(() => checkRoleName(name))).toBe('parameter_invalid');
  },
);
