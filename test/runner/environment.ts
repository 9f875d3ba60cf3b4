import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

/** The realm of the process, without a sandbox. */
export default class ProcessEnvironment {
  /** Where Jest leaves its own things, a console and a way out of the process: nothing of it reaches the suite. */
  readonly global: typeof globalThis = Object.create(globalThis, { process: { value: undefined } });
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;

  constructor({ projectConfig }: JestEnvironmentConfig, _: EnvironmentContext) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup(): Promise<void> {}

  async teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
  }

  getVmContext(): null {
    return null;
  }
}
