/** RFC 8693 §4.1: the acting party, outermost first; each nested `act` is the previous actor. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

interface ActingChain {
  readonly subject: string;
  /** Clients of the ancestors, root first, then the acting client. */
  readonly clients: readonly string[];
}

/**
 * R6: the authorised agent of a user's task is the first actor; another client than the last one adds an
 * outermost `act`. An agent that acts for itself is the subject, not an actor.
 */
export function actorOf({ subject, clients }: ActingChain): Actor | undefined {
  let current: Actor | undefined;
  let last = subject;
  for (const client of clients) {
    if (client === last) continue;
    current = current ? { sub: client, act: current } : { sub: client };
    last = client;
  }
  return current;
}
