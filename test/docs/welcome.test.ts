import { expect, test } from '@jest/globals';
import type { Config } from '../../src/config/config.ts';
import { welcome } from '../../src/process/welcome.ts';

test.each(['http://localhost:4000', 'http://localhost:4000/tenant'])(
  'a start in development names the page on which the API can be tried (%s)',
  (issuer) => {
    const config = { isProduction: false, issuer } as Config;
    expect(welcome(config, {})).toContain('\n  http://localhost:4000/docs  in a browser');
  },
);
