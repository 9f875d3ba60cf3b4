import { redactText } from './redact-text.ts';

/** Tells that logging to a file or the console fails. Never throws. */
export type ProblemReporter = (subject: string, problem: Error) => void;

/** Reports the first failure of each subject, so that a full disk fills no terminal as well. */
export function problemReporter(tell: (text: string) => void): ProblemReporter {
  const told = new Set<string>();
  return (subject, problem) => {
    if (told.has(subject)) return;
    told.add(subject);
    const reason = redactText(problem.message);
    try {
      tell(`Logging to ${subject} fails (further failures are not reported): ${reason}`);
    } catch {
      // There is nowhere left to tell it.
    }
  };
}
