import type { Logger } from '../../app/ports.ts';
import { UnavailableError } from '../../domain/unavailable.ts';
import { Patience } from './patience.ts';
import { unavailableOr } from '../sql/unavailability.ts';

/** An outage that comes and goes is told this often at most. */
const TELL_EVERY_MS = 1_000;

interface Call {
  readonly late: () => void;
}

/** Gives every port of the store the same manners when the database does not answer. */
export interface Answering {
  /** The port, with calls that end in time: what takes longer, and what failed in passing, is `UnavailableError`. */
  port<P extends object>(port: P): P;
  /** The same for a call that minds its own time. */
  outcome<T>(call: Promise<T>): Promise<T>;
}

/** What is asked, and who hears of it. */
interface Asked {
  /** Such as `PostgreSQL at db.example:5432`. */
  readonly place?: string | undefined;
  readonly logger?: Pick<Logger, 'warn' | 'error'> | undefined;
}

/** `timeoutMs`: how long a call may take. The log hears of each outage when it begins and when it is over. */
export function answering(timeoutMs: number, asked: Asked = {}): Answering {
  const outage = outageLog(asked);
  const patience = new Patience<Call>(timeoutMs, (calls) => calls.forEach(({ late }) => late()));

  function outcome<T>(call: Promise<T>): Promise<T> {
    return call.then(
      (value) => {
        outage.over();
        return value;
      },
      (error: unknown) => {
        const told = unavailableOr(error);
        if (told instanceof UnavailableError && told.code === 'database_unavailable') outage.began(told);
        throw told;
      },
    );
  }

  function inTime<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry: Call = {
        late() {
          const error = new UnavailableError(
            'database_unavailable',
            `no answer within ${timeoutMs} milliseconds`,
          );
          outage.began(error);
          reject(error);
        },
      };
      const wait = patience.begin(entry);
      outcome(call).then(
        (value) => {
          wait.leave();
          resolve(value);
        },
        (error: Error) => {
          wait.leave();
          reject(error);
        },
      );
    });
  }

  return {
    outcome,
    port<P extends object>(port: P): P {
      const members = Object.entries(port).map(([name, member]) => {
        if (typeof member !== 'function') return [name, member];
        const call = member as (...args: unknown[]) => Promise<unknown>;
        return [name, (...args: unknown[]) => inTime(call(...args))];
      });
      return Object.fromEntries(members) as P;
    },
  };
}

/** One line when the database stops answering and one when it answers again, however many requests notice. */
function outageLog({ place: database, logger }: Asked) {
  let since: number | undefined;
  let told = false;
  let lastTold = -Infinity;
  return {
    began(error: Error) {
      if (told) return;
      const now = performance.now();
      since ??= now;
      if (now - lastTold < TELL_EVERY_MS) return;
      told = true;
      logger?.error('the database does not answer', { database, error: error.message });
    },
    over() {
      if (since === undefined) return;
      const now = performance.now();
      if (told) {
        logger?.warn('the database answers again', { database, after_ms: Math.round(now - since) });
        lastTold = now;
      }
      since = undefined;
      told = false;
    },
  };
}
