import { type Command, Option } from 'commander';
import { openSchema } from '../build.ts';
import { type DataOptions, withJson } from './options.ts';
import { json, line } from './print.ts';
import { configuration } from './session.ts';

interface MigrateOptions extends DataOptions {
  readonly down?: boolean;
  readonly status?: boolean;
  readonly yes?: boolean;
}

export function addMigrate(program: Command): void {
  withJson(program.command('migrate'))
    .description('Bring the schema of the database up to date (a server does so at every start).')
    .addOption(
      new Option('--down', 'undo all migrations: the tables and ALL DATA in them go').conflicts('status'),
    )
    .option('--status', 'only tell which migrations were applied and which wait')
    .option('--yes', 'needed for --down')
    .action(migrate);
}

async function migrate({ down, status, yes, json: asJson }: MigrateOptions): Promise<void> {
  if (down && !yes) throw new Error('--down deletes all data: add --yes if that is what you want');
  const schema = openSchema(configuration());
  try {
    if (down) await schema.down();
    else if (!status) await schema.up();
    const { applied, pending } = await schema.status();
    if (asJson) {
      json({ applied, pending });
      return;
    }
    for (const name of applied) line(`applied  ${name}`);
    for (const name of pending) line(`pending  ${name}`);
  } finally {
    await schema.close();
  }
}
