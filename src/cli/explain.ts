import type { Command } from 'commander';
import { explanationAnswer } from '../app/explain/answer.ts';
import { explainToken } from '../app/explain/explain-token.ts';
import type { Ending, ExplainedRight, ExplainedStep, Explanation } from '../app/explain/explanation.ts';
import type { PolicyFact } from '../domain/policy/verdict.ts';
import { formatScope } from '../domain/scope.ts';
import { drawTree, type TreeNode } from './draw-tree.ts';
import { type DataOptions, withId, withJson } from './options.ts';
import { json, line, note, plain } from './print.ts';
import { inSession, type Session } from './session.ts';

export function addExplain(program: Command): void {
  withJson(withId(program.command('explain'), 'token_id', 'as `task show` lists it; never the token itself'))
    .description(
      'Tell why a token may do what it may: for each right who, by which consent, tasks, agents, policies.',
    )
    .action(inSession(explain));
}

async function explain({ context }: Session, tokenId: string, { json: asJson }: DataOptions): Promise<void> {
  const explained = await explainToken(context, tokenId);
  if (asJson) json(explanationAnswer(explained));
  else for (const text of drawExplanation(explained)) line(plain(text));
  if (explained.unknown.length > 0)
    note(plain(`Removed after its retention time: ${explained.unknown.join('; ')}.`));
}

/** The explanation as text: the token, then for each right the way it came. */
function drawExplanation(explained: Explanation): string[] {
  const { tokenId, kind, clientId, taskId, state, endedBy, expiresAt, subject, rights, steps } = explained;
  return [
    `${tokenId}  ${kind ?? 'token'} of ${clientId ?? 'somebody'}, task ${taskId ?? 'unknown'}`,
    `${state}${expiresAt === null ? '' : `, ${state === 'live' ? 'until' : 'would have ended at'} ${time(expiresAt)}`}`,
    ...(endedBy ? [endingText(endedBy)] : []),
    `acts for ${subject ? `${subject.id}${named(subject.name)}` : 'somebody who is not known any more'}`,
    ...rights.flatMap((right) => ['', ...drawRight(right, steps)]),
    ...(rights.length === 0 ? ['', 'It holds no rights.'] : []),
  ];
}

function drawRight({ right, consented, path }: ExplainedRight, steps: readonly ExplainedStep[]): string[] {
  const nodes = steps.map((step, i): TreeNode => {
    const at = path[i];
    const edge = at?.before ? `${at.before} → ${at.after ?? 'nothing'}` : (at?.after ?? 'not told');
    return {
      id: step.taskId,
      parent: steps[i - 1]?.taskId ?? null,
      lines: [
        `task ${step.taskId}  ${step.state ?? 'removed'}  ${step.clientId ?? 'somebody'}${named(step.agentName)}`,
        ...keyLines(step),
        ...consentLines(step, consented),
        `${edge}, granted by ${at?.grantedBy ?? 'what is not recorded'}; the agent may hold it ${
          at?.ceiling ? `by ${at.ceiling}` : 'no more'
        }`,
        ...policyLines('handed off', step.policy.handOff),
        ...policyLines('opened', step.policy.opened),
        ...policyLines('issued', step.policy.issued),
      ],
    };
  });
  return [right, ...drawTree(nodes).map((text) => `  ${text}`)];
}

function keyLines({ apiKey }: ExplainedStep): string[] {
  return apiKey ? [`opened with the API key ${apiKey.keyId}${named(apiKey.name)}`] : [];
}

function consentLines({ consent }: ExplainedStep, consented: string | null): string[] {
  if (!consent) return [];
  const what = consented ?? (formatScope(consent.granted) || 'nothing');
  return [`${consent.userId} approved ${what} at ${time(consent.at)} (grant ${consent.grant})`];
}

function policyLines(when: string, facts: readonly PolicyFact[]): string[] {
  return facts.map(({ name, effect, reason, max_depth: depth, max_lifetime: seconds }) => {
    const bounds = [
      ...(depth === undefined ? [] : [`depth ${depth}`]),
      ...(seconds === undefined ? [] : [`${seconds} seconds`]),
    ];
    return `${when}: policy ${name} ${effect}${bounds.length > 0 ? ` ${bounds.join(', ')}` : ''}: ${reason}`;
  });
}

function endingText({ kind, handle, taskId, at, reason, actor }: Ending): string {
  const where = taskId === null ? '' : ` at task ${taskId}`;
  const when = at === null ? '' : ` on ${time(at)}`;
  return `ended by ${kind} ${handle}${where}${when}${actor === null ? '' : ` by ${actor}`}${
    reason === null ? '' : `: ${reason}`
  }`;
}

function named(name: string | null): string {
  return name === null ? '' : ` (${name})`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}
