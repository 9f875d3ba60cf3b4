import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { removeAbandoned } from '../support/postgres-server.ts';

const MEMORY = '/dev/shm';
const PREFIX = 'taskgrant-run-';
const ENOUGH = 4 * 1024 ** 3;

/**
 * A directory for the temporary files of this run in the memory of the machine; undefined where there is no room, or
 * nothing can be run there. Databases commit there as durably as they are set to, and need not wait for a disk.
 */
export async function memoryPlace(): Promise<string | undefined> {
  if (!existsSync(MEMORY)) return undefined;
  await forgetKilledRuns();
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize < ENOUGH) return undefined;
  const place = mkdtempSync(join(MEMORY, `${PREFIX}${process.pid}-`));
  // The account that runs PostgreSQL has to get through.
  chmodSync(place, 0o711);
  process.once('exit', () => rmSync(place, { recursive: true, force: true }));
  return runsPrograms(place) ? place : undefined;
}

function runsPrograms(place: string): boolean {
  const program = join(place, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  const { status } = spawnSync(program);
  rmSync(program);
  return status === 0;
}

/** What a killed run has left would stay in memory until the machine is started again. */
async function forgetKilledRuns(): Promise<void> {
  for (const name of readdirSync(MEMORY).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!Number.isInteger(owner) || existsSync(`/proc/${owner}`)) continue;
    const place = join(MEMORY, name);
    // Everybody may write there, and remove what is theirs.
    if (statSync(place).uid !== userInfo().uid) continue;
    await removeAbandoned(place);
    rmSync(place, { recursive: true, force: true });
  }
}
