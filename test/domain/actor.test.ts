import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Actor, actorOf } from '../../src/domain/actor.ts';

/** R6; RFC 8693 section 4.1. */
describe('who acts', () => {
  test('an agent that acts for itself is the subject, and no actor', () => {
    expect(actorOf({ subject: 'A', clients: ['A'] })).toBeUndefined();
    expect(actorOf({ subject: 'A', clients: ['A', 'A', 'A'] })).toBeUndefined();
  });

  test('the agent that a person authorised is the first actor', () => {
    expect(actorOf({ subject: 'usr_ada', clients: ['A'] })).toEqual({ sub: 'A' });
  });

  test('another agent below it becomes the outermost actor', () => {
    expect(actorOf({ subject: 'usr_ada', clients: ['A', 'B'] })).toEqual({ sub: 'B', act: { sub: 'A' } });
    expect(actorOf({ subject: 'A', clients: ['A', 'B'] })).toEqual({ sub: 'B' });
  });

  test('levels of one and the same agent add no actor', () => {
    expect(actorOf({ subject: 'usr_ada', clients: ['A', 'A', 'B', 'B', 'B'] })).toEqual({
      sub: 'B',
      act: { sub: 'A' },
    });
  });

  test('an agent that gets its own work back is told once more', () => {
    expect(actorOf({ subject: 'A', clients: ['A', 'B', 'A'] })).toEqual({ sub: 'A', act: { sub: 'B' } });
  });

  test('read from the inside out, it is the way that the authority went', () => {
    const client = fc.constantFrom('A', 'B', 'C');
    fc.assert(
      fc.property(fc.array(client, { minLength: 1, maxLength: 16 }), (clients) => {
        const handOvers = clients.filter((one, i) => one !== clients[i - 1]);
        expect(insideOut(actorOf({ subject: 'usr_ada', clients }))).toEqual(handOvers);
      }),
    );
  });
});

function insideOut(actor: Actor | undefined): string[] {
  return actor ? [...insideOut(actor.act), actor.sub] : [];
}
