import { describe, expect, test } from '@jest/globals';
import { AUDIT_EVENT_TYPES } from '../../src/domain/audit-event.ts';
import {
  isEventPattern,
  patternsFor,
  WEBHOOK_EVENT_OF,
  WEBHOOK_EVENTS,
  type WebhookEvent,
  webhookEventOf,
} from '../../src/domain/webhook-event.ts';

const names = Object.keys(WEBHOOK_EVENTS) as WebhookEvent[];

describe('the events of webhooks', () => {
  test('are each told by some audit event', () => {
    const told = new Set(Object.values(WEBHOOK_EVENT_OF));
    expect(names.filter((name) => !told.has(name))).toEqual([]);
  });

  test('are told of successes, and of the refusals that they are about', () => {
    expect(webhookEventOf({ type: 'token_revoked', outcome: 'success' })).toBe('token.revoked');
    expect(webhookEventOf({ type: 'token_revoked', outcome: 'refused' })).toBeNull();
    expect(webhookEventOf({ type: 'token_refused', outcome: 'refused' })).toBe('token.refused');
    expect(webhookEventOf({ type: 'token_introspection', outcome: 'success' })).toBeNull();
    for (const type of AUDIT_EVENT_TYPES) expect(webhookEventOf({ type, outcome: 'error' })).toBeNull();
  });

  test('are asked for by name, by group or all at once, and in no other way', () => {
    for (const name of names) expect(patternsFor(name).every(isEventPattern)).toBe(true);
    for (const wrong of [
      '',
      '.',
      '.*',
      '**',
      'token',
      'token.',
      'token.*.*',
      'Token.*',
      'constructor',
      '__proto__',
    ]) {
      expect([wrong, isEventPattern(wrong)]).toEqual([wrong, false]);
    }
  });

  test('a delivery never causes another one', () => {
    for (const type of AUDIT_EVENT_TYPES.filter((name) => name.startsWith('webhook_'))) {
      expect([null, 'webhook.disabled']).toContain(WEBHOOK_EVENT_OF[type]);
    }
  });
});
