import { fieldOf, type MessageHead, TASK_TOKEN_FIELD } from './message.ts';
import { RequestRefused } from './refused.ts';

const CREDENTIALS = /^(?:Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i;
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const LONGEST_TOKEN = 16 * 1024;

/**
 * The task token of a request: in its own field, or in `Authorization` where that is free for it.
 * @throws RequestRefused `task_token_missing`; `malformed` for two of them, or one that is none.
 */
export function taskTokenOf(
  { headers }: Pick<MessageHead, 'headers'>,
  { requireTaskToken, inAuthorization }: { requireTaskToken: boolean; inAuthorization: boolean },
): string | undefined {
  const own = fieldOf(headers, TASK_TOKEN_FIELD);
  const authorization = inAuthorization ? fieldOf(headers, 'authorization') : undefined;
  const borne = authorization === undefined ? undefined : CREDENTIALS.exec(authorization)?.[1];
  if (own !== undefined && (borne !== undefined || !TOKEN.test(own))) throw new RequestRefused('malformed');
  const token = own ?? borne;
  if (token !== undefined && token.length > LONGEST_TOKEN) throw new RequestRefused('malformed');
  if (token === undefined && requireTaskToken) throw new RequestRefused('task_token_missing');
  return token;
}
