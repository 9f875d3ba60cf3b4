import { intersect, type Scope } from '../../domain/scope.ts';

export type Limit = 'person' | 'agent' | 'parent';

/** Who bounds what can be granted, in the order in which they are named to the person. */
export interface Bounds {
  readonly person: Scope;
  readonly agent: Scope;
  /** Scope of the parent token, when the task is to be part of another. */
  readonly parent?: Scope | undefined;
}

export interface OfferedRight {
  /** As it would be granted: what was asked, or the part of an asked wildcard that is left. */
  readonly right: string;
  readonly asked: string;
}

export interface Offer {
  readonly offered: readonly OfferedRight[];
  readonly unavailable: readonly { readonly right: string; readonly because: Limit }[];
}

/** What a person can grant: asked ∩ own permissions ∩ the agent's ceiling ∩ the parent token (R1, R10). */
export function offerRights(asked: Scope, { person, agent, parent }: Bounds): Offer {
  const limits: [Limit, Scope][] = [
    ['person', person],
    ['agent', agent],
    ...(parent ? [['parent', parent] as [Limit, Scope]] : []),
  ];
  const offered = new Map<string, OfferedRight>();
  const unavailable: { right: string; because: Limit }[] = [];
  for (const right of asked) {
    let left: Scope = [right];
    let because: Limit | undefined;
    for (const [limit, held] of limits) {
      left = intersect(left, held);
      if (left.length === 0) because ??= limit;
    }
    if (because) unavailable.push({ right, because });
    for (const part of left) offered.set(part, { right: part, asked: right });
  }
  return { offered: [...offered.values()], unavailable };
}
