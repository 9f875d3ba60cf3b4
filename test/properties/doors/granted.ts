import type { Issued } from '../../../src/app/issuance/issuance.ts';
import type { TaskRequest } from '../../../src/domain/task-request.ts';
import type { Granted } from '../door.ts';
import type { Ask } from '../model/rules.ts';

/** A request as the use cases take it. */
export function requestOf(ask: Ask, sha256: (value: string) => string): TaskRequest {
  const { audiences: _, challenge, verifier, key, ...rest } = ask;
  return {
    ...rest,
    codeChallenge: challenge === undefined ? undefined : sha256(challenge),
    answer: verifier === undefined ? undefined : sha256(verifier),
    keyThumbprint: key,
  };
}

/** What a use case issued. */
export function grantedOf({ task, access, refresh }: Issued): Granted {
  const { token, value } = access;
  const { scope, audiences, tools, resources } = token;
  return {
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    via: task.parentTokenId,
    grant: task.grant,
    access: { value, id: token.tokenId, expiresAt: token.expiresAt },
    refresh: refresh && { value: refresh.value, expiresAt: refresh.token.expiresAt },
    audience: token.kind === 'access' ? (token.audience ?? undefined) : undefined,
    holding: { scope, audiences, tools, resources },
    depth: task.depth,
    maxDepth: task.maxDepth,
    maxChildren: task.maxChildren,
    delegates: task.delegates,
    bound: { verifier: task.codeChallenge !== null, key: task.keyThumbprint !== null },
    expiresAt: task.expiresAt,
  };
}
