import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { revocationsScene } from './scene.ts';

const { page, aRevokedTask } = revocationsScene();

describe('waiting for what is revoked', () => {
  test('a request is held until something comes', async () => {
    const { head } = await page();
    const waiting = page(`?after=${head}&wait=20`);
    await setTimeout(100);
    const handle = await aRevokedTask();
    const ended = performance.now();
    const { revocations } = await waiting;
    expect(performance.now() - ended).toBeLessThan(1000);
    expect(revocations.map(([, , one]) => one)).toEqual([handle]);
  });

  test('or the time is over; the answer is of that moment', async () => {
    const { head } = await page();
    const began = Date.now();
    const { revocations, next, at } = await page(`?after=${head}&wait=1`);
    expect([revocations, next]).toEqual([[], head]);
    expect(at - began).toBeGreaterThan(800);
  });

  test('what is there already is not waited for', async () => {
    const began = performance.now();
    expect((await page('?wait=20')).revocations.length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
