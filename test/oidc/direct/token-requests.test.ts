import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TOKEN_EXCHANGE, TOKEN_PATH } from '../../support/token-requests.ts';
import { bothWaysScene, essence } from './both-ways.ts';
import { MANY, RIGHT, requests } from './token-forms.ts';

const { bothWays } = bothWaysScene();

describe('the direct way and the engine', () => {
  test('give the same answer to any token request', async () => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(requests, fc.boolean(), async (form, json) => {
        const [direct, engine] = await bothWays(TOKEN_PATH, form, { json });
        expect(essence(direct)).toEqual(essence(engine));
        const outcome = direct.body.error ?? `issued by ${String(form['grant_type'])}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      {
        numRuns: 400,
        endOnFailure: true,
        // Too rare to be met by chance each time.
        examples: [
          [{ grant_type: 'password' }, false],
          [{ ...RIGHT[0], scope: '*:tickets:read' }, false],
          [{ ...RIGHT[0], scope: 'constructor:x:y' }, true],
          [{ unknown: MANY, ...RIGHT[0] }, false],
          [{ ...RIGHT[0], unknown: MANY, scope: 'example:read' }, false],
          [{ ...RIGHT[0], unknown: 'x'.repeat(58_000) }, false],
          [{ ...RIGHT[0], unknown: '漢'.repeat(8000) }, true],
        ],
      },
    );
    // The requests were neither all right nor all wrong.
    expect(outcomes.get('issued by client_credentials')).toBeGreaterThan(10);
    expect(outcomes.get(`issued by ${TOKEN_EXCHANGE}`)).toBeGreaterThan(10);
    for (const error of ['invalid_request', 'invalid_scope', 'invalid_target', 'unsupported_grant_type'])
      expect([error, outcomes.get(error)]).toEqual([error, expect.any(Number)]);
    // Long requests among them, on a machine that may be busy.
  }, 120_000);
});
