/** One thing wrong with the configuration. Secret values are never part of `problem`. */
export interface Fault {
  /** Dotted name in config/*.json, or the name of the file that could not be read. */
  setting: string;
  /** Environment variable of the same setting, where it has one. */
  env?: string;
  /** Where the value came from: a file name, `environment`, or `default`. */
  source?: string;
  problem: string;
}

/** The configuration is wrong. Lists every fault at once; nothing is repaired and nothing starts. */
export class ConfigurationError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.map((fault) => `  - ${describeFault(fault)}`);
    super(
      `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    );
    this.name = 'ConfigurationError';
    this.faults = faults;
  }
}

/** `port (PORT) must be …, got "x" [from .env]` */
function describeFault(fault: Fault): string {
  const env = fault.env ? ` (${fault.env})` : '';
  const source = fault.source && fault.source !== 'default' ? ` [from ${fault.source}]` : '';
  return `${fault.setting}${env} ${fault.problem}${source}`;
}
