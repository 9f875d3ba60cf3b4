import { afterEach } from '@jest/globals';
import type { BootstrapOptions } from '../../../src/app/bootstrap/bootstrap-options.ts';
import { createTestContext, type TestContext } from '../../support/app-context.ts';

export const SECRET = 'a-secret-that-the-operator-has-chosen-01';
export const PASSWORD = 'a password that the operator chose';

export const CONFIGURED: BootstrapOptions = {
  adminEmail: 'Root@Example.com',
  adminPassword: PASSWORD,
  adminClientSecret: SECRET,
  allowGenerate: false,
  exampleServers: [
    { name: 'example', audiences: ['https://api.example.com'], scopes: ['example:read'], tokenFormat: 'jwt' },
  ],
  scopes: ['example:read'],
};

/** Makes servers that nothing has started yet, and closes them after each test. */
export function emptyServers(): (settings?: object) => Promise<TestContext> {
  const opened: TestContext[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  return async (settings = {}) => {
    const made = await createTestContext({ bootstrapped: false, settings });
    opened.push(made);
    return made;
  };
}
