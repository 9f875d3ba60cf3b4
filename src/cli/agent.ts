import type { Command } from 'commander';
import { AUTH_METHODS, GRANT_TYPES } from '../app/agents/client-metadata.ts';
import { addAgentStateCommands } from './agent-state.ts';
import { grantToAgent } from './agent-grant.ts';
import { registerFromCli } from './agent-register.ts';
import { findAgent } from '../app/agents/find-agent.ts';
import { listAgents } from '../app/agents/list-agents.ts';
import type { AgentState } from '../domain/agent.ts';
import {
  type DataOptions,
  oneOf,
  type PageOptions,
  pageOf,
  printPage,
  withJson,
  withPages,
  words,
} from './options.ts';
import { json, record } from './print.ts';
import { agentRow, agentText } from './rows.ts';
import { inSession, type Session } from './session.ts';

const STATES = ['pending', 'active', 'suspended', 'revoked'] as const;

export function addAgentCommands(program: Command): void {
  const agent = program.command('agent').description('Agents: the OAuth clients that act.');
  withPages(agent.command('list'))
    .description('List agents, newest first.')
    .option('--state <state>', `one of ${STATES.join(', ')}`, oneOf(STATES))
    .option('--name <text>', 'part of the name')
    .option('--deleted', 'with those that were deleted')
    .action(inSession(list));
  withJson(agent.command('show').argument('<client_id>'))
    .description('Show an agent.')
    .action(inSession(show));
  addRegister(agent);
  addAgentStateCommands(agent);
  addGrant(agent);
}

function addRegister(agent: Command): void {
  withJson(agent.command('register'))
    .description('Register an agent and grant it what is named here. The credentials are shown only now.')
    .requiredOption('--name <name>', '3 to 100 characters')
    .option('--description <text>', 'at most 500 characters', '')
    .option('--permission <right>', 'right that it may be granted; may be repeated', words)
    .option('--tool <name>', 'tool that it may use; may be repeated', words, [])
    .option('--resource <name>', 'name within an audience; may be repeated', words, [])
    .option('--redirect-uri <uri>', 'for the code flow; may be repeated', words)
    .option('--grant-type <type>', `one of ${GRANT_TYPES.join(', ')}; may be repeated`, words)
    .option('--auth-method <method>', `one of ${AUTH_METHODS.join(', ')}`, oneOf(AUTH_METHODS))
    .option('--activate', 'let it act at once')
    .action(inSession(registerFromCli));
}

function addGrant(agent: Command): void {
  withJson(agent.command('grant').argument('<client_id>'))
    .description('Widen what an agent may be granted, or with --replace set it.')
    .option('--permission <right>', 'right such as example:read; may be repeated', words)
    .option('--requested', 'every right that its registration asked for')
    .option('--tool <name>', 'tool; may be repeated', words)
    .option('--resource <name>', 'name within an audience; may be repeated', words)
    .option('--audience <uri>', 'registered audience; may be repeated', words)
    .option('--default-scope <right>', 'what a request without scope gets; may be repeated', words)
    .option('--replace', 'set each list that is named instead of adding to it')
    .action(inSession(grantToAgent));
}

interface ListOptions extends PageOptions {
  readonly state?: AgentState;
  readonly name?: string;
  readonly deleted?: boolean;
}

async function list({ context, caller }: Session, options: ListOptions): Promise<void> {
  const { state, name, deleted: includeDeleted } = options;
  const found = await listAgents(context, { caller, state, name, includeDeleted, page: pageOf(options) });
  printPage(options, 'agents', found, agentRow, ['client_id', 'state', 'agent_name', 'permissions']);
}

async function show({ context }: Session, clientId: string, { json: asJson }: DataOptions): Promise<void> {
  const agent = await findAgent(context, clientId, { includeDeleted: true });
  if (asJson) json(agentRow(agent));
  else record(agentText(agent));
}
