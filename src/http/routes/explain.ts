import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { explanationAnswer } from '../../app/explain/answer.ts';
import { explainToken } from '../../app/explain/explain-token.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { publicId } from '../fields.ts';
import { ExplanationRow } from '../rows/explanation-row.ts';

const explain = contract({
  method: 'get',
  path: '/api/admin/explain/:token_id',
  access: 'admin:read',
  summary: 'Why a token may do what it may, for each of its rights, and whether it is live.',
  description:
    'Who, by which consent, through which tasks and agents, and what the policies said at each step. Told from the ' +
    'tasks, the tokens and the audit trail; what was removed after its retention time is named.',
  tags: ['Administration: tokens'],
  params: z.strictObject({ token_id: publicId }),
  returns: { status: 200, body: ExplanationRow },
});

export function explainRoutes(context: AppContext): BoundRoute[] {
  return [
    route(explain, async ({ params: { token_id } }) =>
      explanationAnswer(await explainToken(context, token_id)),
    ),
  ];
}
