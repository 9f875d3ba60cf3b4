interface Totals {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/**
 * Ends the run with `N passed, N failed` on a line of its own, for readers that are programs.
 * A suite that does not even load has no tests to count, so it counts as one failure.
 */
export default class CountReporter {
  onRunComplete(_contexts: unknown, results: Totals): void {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const tail = skipped > 0 ? `, ${skipped} skipped` : '';
    // At exit, because Jest's own summary is written after the reporters have been told.
    process.once('exit', () =>
      process.stdout.write(`${results.numPassedTests} passed, ${failed} failed${tail}\n`),
    );
  }
}
