import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAgentCommands } from './agent.ts';
import { addApiKeyCommands } from './api-key.ts';
import { addAuditCommands } from './audit.ts';
import { addCheckConfig } from './check-config.ts';
import { addExplain } from './explain.ts';
import { addKeyCommands } from './keys.ts';
import { addLogin } from './login/login.ts';
import { addMigrate } from './migrate.ts';
import { addPermissionCommands } from './permission.ts';
import { addResourceServerCommands } from './resource-server.ts';
import { addRoleCommands } from './role.ts';
import { addTaskCommands } from './task.ts';
import { addTokenCommands } from './token.ts';
import { addUserCommands } from './user.ts';
import { addWebhookCommands } from './webhook.ts';

const PRODUCT = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const AFTER = `
All commands but login work on the database that the configuration names (DATABASE_URL or DATA_DIR), also while
servers run on it. What they change is recorded in the audit trail with the actor "cli".

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 faults in the configuration, 4 not found.`;

/** The whole command line. Wrong usage is thrown, after it was told in one line. */
export function createProgram(): Command {
  const program = new Command('taskgrant')
    .description('Administers a Taskgrant authorization server.')
    .version(PRODUCT.version)
    .addHelpText('after', AFTER)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `taskgrant: ${text
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        ),
    });
  addMigrate(program);
  addKeyCommands(program);
  addAgentCommands(program);
  addApiKeyCommands(program);
  addResourceServerCommands(program);
  addUserCommands(program);
  addRoleCommands(program);
  addPermissionCommands(program);
  addTaskCommands(program);
  addTokenCommands(program);
  addExplain(program);
  addWebhookCommands(program);
  addAuditCommands(program);
  addCheckConfig(program);
  addLogin(program);
  return program;
}
