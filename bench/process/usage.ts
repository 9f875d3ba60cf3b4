import { readFileSync, readdirSync } from 'node:fs';

/** Ticks per second in /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time that a process has used since it began, all its threads together, in microseconds. */
export function cpuOf(pid: number): number {
  const { user, system } = timesOf(pid);
  return inMicroseconds(user + system);
}

/**
 * CPU time of a process and everything it has started, in microseconds. Children that have ended are counted with
 * their parent, as soon as it has waited for them.
 */
export function cpuOfTree(pid: number): number {
  const { user, system, endedUser, endedSystem } = timesOf(pid);
  const own = inMicroseconds(user + system + endedUser + endedSystem);
  return childrenOf(pid).reduce((sum, child) => sum + (attempt(() => cpuOfTree(child)) ?? 0), own);
}

/** CPU time that the whole machine has spent working, in microseconds. */
export function cpuOfMachine(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number);
  return inMicroseconds(user + nice + system + irq + softirq);
}

/** Resident memory in megabytes (2^20 bytes). */
export function residentOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    (attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? '')
      .split(' ')
      .filter((id) => id !== '')
      .map(Number),
  );
}

function timesOf(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; utime is field 14 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
  return { user, system, endedUser, endedSystem };
}

function inMicroseconds(ticks: number): number {
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

/** Undefined for a process that has ended in between. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
