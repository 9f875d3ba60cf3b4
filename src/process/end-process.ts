/** Whether the system is looking up a name for this process, for a connection or by itself. */
export function looksUpNames(): boolean {
  return process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap');
}

/**
 * Ends the process. Node waits for the threads of its pool, and one that looks up a name whose servers do not answer is
 * busy until the system gives up, which may take half a minute. Then the process becomes another program, which ends at
 * once with the same exit code: nothing else ends it without one that tells of a crash.
 */
export function endProcess(code: number, threadsHang: () => boolean = looksUpNames): never {
  // Added last: what others write before the end is written.
  process.on('exit', (exitCode) => {
    if (process.platform === 'win32' || !threadsHang()) return;
    const { execPath } = process;
    process.execve?.(execPath, [execPath, '-e', `process.exit(${exitCode})`], {});
  });
  process.exit(code);
}
