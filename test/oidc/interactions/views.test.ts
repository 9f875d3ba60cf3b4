import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createDigests } from '../../../src/crypto/digests.ts';
import { createMemoryLimiter } from '../../../src/limits/memory-limiter.ts';
import { offerRights } from '../../../src/oidc/interactions/offer.ts';
import { createSignInThrottle } from '../../../src/oidc/interactions/sign-in-throttle.ts';
import { formTargets } from '../../../src/oidc/views/form-targets.ts';
import { html } from '../../../src/oidc/views/html.ts';
import { STYLE_SHEET, STYLE_SOURCE } from '../../../src/oidc/views/style-sheet.ts';

describe('html', () => {
  test('escapes whatever is put in, lists included, and leaves markup alone', () => {
    const names = ['<i>', `"'&`];
    expect(html`<p title="${'"'}">${names.map((name) => html`<b>${name}</b>`)}${names}</p>`.text).toBe(
      '<p title="&quot;"><b>&lt;i&gt;</b><b>&quot;&#39;&amp;</b>&lt;i&gt;&quot;&#39;&amp;</p>',
    );
  });

  test('leaves out what is not there, but not zero', () => {
    expect(html`${undefined}${null}${false}${''}${0}`.text).toBe('0');
  });

  test('cannot be fooled by an object that looks like markup', () => {
    expect(() => html`${{ text: '<script>' } as never}`).toThrow();
  });
});

test('the policy permits exactly the style sheet that is sent', () => {
  const digest = createHash('sha256').update(STYLE_SHEET).digest('base64');
  expect(STYLE_SOURCE).toBe(`'sha256-${digest}'`);
  expect(STYLE_SHEET).not.toMatch(/url\(|@import|<\//);
});

describe('where a form may lead', () => {
  test.each([
    ['https://client.example/cb?x=1', ['https://client.example']],
    ['https://client.example:8443/cb', ['https://client.example:8443']],
    ['http://localhost:3000/cb', ['http://localhost:3000']],
    ['http://[::1]:3000/cb', ['http:']],
    ['https://evil.example;script-src/', ['https:']],
    ['https://evil.example,x/', ['https:']],
    ['com.example.app:/cb', ['com.example.app:']],
    ['not a uri', []],
  ])('%s → %j', (uri, sources) => {
    expect(formTargets(uri)).toEqual(sources);
  });
});

describe('what is offered to a person', () => {
  test('is what everyone’s bounds leave, and names the first that forbids', () => {
    const offer = offerRights(['a:read', 'a:write', 'b:read', 'c:read'], {
      person: ['a:*', 'b:read'],
      agent: ['a:*', 'c:read'],
      parent: ['a:read'],
    });
    expect(offer.offered).toEqual([{ right: 'a:read', asked: 'a:read' }]);
    expect(offer.unavailable).toEqual([
      { right: 'a:write', because: 'parent' },
      { right: 'b:read', because: 'agent' },
      { right: 'c:read', because: 'person' },
    ]);
  });

  test('is the part of a wildcard that is held, once', () => {
    const offer = offerRights(['a:*', 'a:read'], { person: ['a:read', 'a:list'], agent: ['a:*'] });
    expect(offer.offered.map(({ right }) => right).toSorted()).toEqual(['a:list', 'a:read']);
    expect(offer.unavailable).toEqual([]);
  });
});

describe('the throttle', () => {
  test('takes an IPv6 /64 for one source, and forgives what turned out right', async () => {
    const throttle = createSignInThrottle(
      { limiter: createMemoryLimiter({ now: () => 0 }), digests: createDigests() },
      { perEmail: 2, perSource: 2, windowSeconds: 60 },
    );
    expect(await throttle.attempt({ email: 'a@example.com', sourceIp: '2001:db8::1' })).toBeUndefined();
    expect(await throttle.attempt({ email: 'b@example.com', sourceIp: '2001:db8:0:0:1::2' })).toBeUndefined();
    expect(await throttle.attempt({ email: 'c@example.com', sourceIp: '2001:db8::ffff:3' })).toBeGreaterThan(
      0,
    );
    expect(await throttle.attempt({ email: 'c@example.com', sourceIp: '2001:db8:0:1::3' })).toBeUndefined();
    expect(await throttle.attempt({ email: 'd@example.com', sourceIp: '192.0.2.1' })).toBeUndefined();
    await throttle.succeeded({ email: 'd@example.com', sourceIp: '192.0.2.1' });
    expect(await throttle.attempt({ email: 'd@example.com', sourceIp: '192.0.2.1' })).toBeUndefined();
    expect(await throttle.attempt({ email: 'd@example.com', sourceIp: '192.0.2.1' })).toBeUndefined();
    expect(await throttle.attempt({ email: 'd@example.com', sourceIp: '192.0.2.1' })).toBeGreaterThan(0);
  });
});
