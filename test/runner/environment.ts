import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { opened, untilNoMoreIsOpen } from './left-open.ts';

/** What Jest tells of a suite that fails, and would tell no more if its end failed as well. */
const FAILURES = ['test_fn_failure', 'hook_failure', 'error'];

/** The realm of the process, without a sandbox. A suite that has passed must leave nothing open. */
export default class ProcessEnvironment {
  /** Where Jest leaves its own things, a console and a way out of the process: nothing of it reaches the suite. */
  readonly global: typeof globalThis = Object.create(globalThis, { process: { value: undefined } });
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  #before: readonly string[] = [];
  #hasFailed = false;

  constructor({ projectConfig }: JestEnvironmentConfig, _: EnvironmentContext) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup(): Promise<void> {
    this.#before = opened();
  }

  handleTestEvent({ name }: { readonly name: string }): void {
    if (FAILURES.includes(name)) this.#hasFailed = true;
  }

  async teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    if (!this.#hasFailed) await untilNoMoreIsOpen(this.#before);
  }

  getVmContext(): null {
    return null;
  }
}
