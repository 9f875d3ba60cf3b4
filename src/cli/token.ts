import type { Command } from 'commander';
import { resolveTokenId } from '../app/tokens/resolve-token.ts';
import { revokeToken } from '../app/tokens/revoke-token.ts';
import { DomainError } from '../domain/errors.ts';
import { type DataOptions, withId, withJson, withReason } from './options.ts';
import { json, line } from './print.ts';
import { inSession, type Session } from './session.ts';

interface RevokeOptions extends DataOptions {
  readonly reason?: string;
  readonly keepChildren?: boolean;
}

export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('Tokens, by their public id.');
  withReason(
    withJson(withId(token.command('revoke'), 'token_id', 'as `task show` lists it; never the token itself')),
  )
    .description('Revoke a token and everything derived through it.')
    .option('--keep-children', 'end this token only')
    .action(inSession(revoke));
}

async function revoke(
  { context, caller }: Session,
  tokenId: string,
  { reason, keepChildren = false, json: asJson }: RevokeOptions,
): Promise<void> {
  const target = await resolveTokenId(context, tokenId);
  if (!target) throw new DomainError('not_found', 'there is no such token');
  const revokeChildren = !keepChildren;
  const revoked = await revokeToken(context, { caller, target, reason: reason ?? null, revokeChildren });
  if (asJson) json(revoked);
  else {
    const more = revoked.affected_truncated ? ' or more' : '';
    line(`${tokenId} is revoked, with ${revoked.affected_child_tokens}${more} tokens below it`);
  }
}
