import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.ts';
import { loadConfig } from './config/load.ts';

const FILE = join(import.meta.dirname, '../docs/openapi.json');
const ISSUER = 'http://localhost:3000';

/** What `/openapi.json` answers on a server with the default settings, as docs/openapi.json holds it. */
export async function apiDocument(): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'taskgrant-api-'));
  try {
    const env = { NODE_ENV: 'test', ISSUER, DATA_DIR: join(home, 'data'), LOG_DIR: join(home, 'logs') };
    const server = await build(loadConfig(env, home), { prepared: true });
    try {
      return `${JSON.stringify(server.description(), null, 1)}\n`;
    } finally {
      await server.close();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

if (import.meta.main) writeFileSync(FILE, await apiDocument());
