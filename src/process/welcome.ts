import type { Bootstrapped } from '../app/bootstrap/bootstrap-options.ts';
import type { Config } from '../config/config.ts';

/** What a person reads after `npm start`: where the server is, what was made for them, what to try next. */
export function welcome(config: Config, created: Bootstrapped): string {
  if (config.isProduction) return '';
  return [
    '',
    `Taskgrant is listening on ${config.issuer}`,
    ...secretsOnce(created),
    ...nextSteps(config),
    '',
  ].join('\n');
}

/** What was made and can be shown only now, for a start that went wrong afterwards; '' when nothing was. */
export function madeOnce(config: Config, created: Bootstrapped): string {
  const lines = config.isProduction ? [] : secretsOnce(created);
  return lines.length === 0 ? '' : [...lines, '', ''].join('\n');
}

function secretsOnce({ administrator, adminClient }: Bootstrapped): string[] {
  const lines: string[] = [];
  if (administrator)
    lines.push(`  administrator     ${administrator.email}`, `  password          ${administrator.password}`);
  if (adminClient) {
    lines.push(
      `  admin client      ${adminClient.clientId}`,
      `  admin secret      ${adminClient.clientSecret}`,
    );
  }
  if (lines.length === 0) return [];
  return ['', 'Made on this first start and shown only now; keep them:', ...lines];
}

function nextSteps({ issuer }: Config): string[] {
  return [
    '',
    'Try next:',
    `  ${new URL('/docs', issuer).href}  in a browser: the whole API, to read and to send`,
    `  curl ${issuer}/.well-known/oauth-authorization-server`,
    '  npm run demo          a person, an orchestrator and two agents, one revocation',
    '  npm run taskgrant -- --help',
    '  README.md             every flow with curl',
    '',
  ];
}
