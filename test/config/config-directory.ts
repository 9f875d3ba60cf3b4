import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { type Config, ConfigurationError, type Fault, loadConfig } from '../../src/config/load.ts';

/** An empty directory for the settings of each test. */
export function configDirectory() {
  let cwd = '';
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'taskgrant-config-'));
    mkdirSync(join(cwd, 'config'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  const at = (file: string) => join(cwd, file);
  const load = (env: Record<string, string> = {}): Config => loadConfig(env, cwd);

  function write(file: string, content: unknown): void {
    writeFileSync(at(file), typeof content === 'string' ? content : JSON.stringify(content));
  }

  function faultsOf(env: Record<string, string>): readonly Fault[] {
    try {
      load(env);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.faults;
      throw error;
    }
    return [];
  }

  /** What is wrong with one setting; undefined where nothing is. */
  const problem = (env: Record<string, string>, setting: string) =>
    faultsOf(env).find((fault) => fault.setting === setting)?.problem;

  return { at, load, write, faultsOf, problem };
}
