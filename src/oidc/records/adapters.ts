import type { Adapter } from 'oidc-provider';
import type { EngineOptions } from '../engine-options.ts';
import { ClientAdapter } from './client-adapter.ts';
import { CodeAdapter } from './code-adapter.ts';
import { InteractionAdapter } from './interaction-adapter.ts';
import { RecordAdapter } from './record-adapter.ts';
import { ReferenceAdapter } from './reference-adapter.ts';
import { ReplayAdapter } from './replay-adapter.ts';
import { SessionAdapter } from './session-adapter.ts';
import { TokenAdapter } from './token-adapter.ts';

const TOKEN_MODELS = new Set(['AccessToken', 'RefreshToken', 'ClientCredentials']);
const RECORDS: Readonly<Record<string, typeof RecordAdapter>> = {
  AuthorizationCode: CodeAdapter,
  Grant: ReferenceAdapter,
  Interaction: InteractionAdapter,
  ReplayDetection: ReplayAdapter,
  Session: SessionAdapter,
};

/** Where each of the engine's models is kept: agents, tokens of tasks, everything else. */
export function adapters({ context, artifacts }: EngineOptions) {
  return (model: string): Adapter => {
    if (model === 'Client') return new ClientAdapter(context);
    if (TOKEN_MODELS.has(model)) return new TokenAdapter(model, context);
    const Record = RECORDS[model] ?? RecordAdapter;
    return new Record(model, { context, artifacts });
  };
}
