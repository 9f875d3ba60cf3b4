import type { Provider } from 'oidc-provider';
import type { AppContext } from '../../app/context.ts';
import type { Artifacts } from '../../app/ports/artifacts.ts';
import type { RefusalRecorder } from '../../app/audit/record-refusal.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';

export interface InteractionsOptions {
  readonly context: AppContext;
  readonly artifacts: Artifacts;
  /** The engine of the moment: it is rebuilt when the signing keys change. */
  readonly provider: () => Provider;
  readonly refusals: RefusalRecorder;
  readonly throttle: SignInThrottle;
  /** 32 bytes that bind forms to browsers, derived for this purpose alone. */
  readonly secret: Buffer;
  /** 32 bytes that mark browsers by who has signed in there, derived for this purpose alone. */
  readonly browserSecret: Buffer;
  /** Lifetime of an authorization code, in seconds. */
  readonly codeSeconds: number;
}
