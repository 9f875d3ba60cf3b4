/** What a task is asked to be. Everything is optional; more than the parent or the agent may have is refused. */
export interface TaskTerms {
  /** `task_id`. Default: one that the client makes, so that a lost answer can be asked for again. */
  readonly id?: string | undefined;
  /** Shown to people and auditors; never authority. At most 500 characters. */
  readonly description?: string | undefined;
  /** Rights. Default: of a root the agent's default scope, of a child what its parent holds. `[]` = none. */
  readonly scope?: string | readonly string[] | undefined;
  /** Tools that the task may use. `[]` = none. */
  readonly tools?: readonly string[] | undefined;
  /** Names within an API. `[]` = none. */
  readonly resources?: readonly string[] | undefined;
  /** The APIs that the tokens are for (RFC 8707 `resource`), as absolute URIs. */
  readonly audience?: string | readonly string[] | undefined;
  /** Seconds that the task may live; clamped by the server, the agent and the parent. */
  readonly expiresIn?: number | undefined;
  /** Client ids of the agents that child tasks may be handed to. */
  readonly delegates?: readonly string[] | undefined;
  /** Levels of children that are still allowed below. */
  readonly maxDepth?: number | undefined;
  readonly maxChildren?: number | undefined;
}

/** Terms of a task, and how this process treats it. */
export interface TaskOptions extends TaskTerms {
  /** Further origins that `task.fetch` may send the token to, beside those of its audiences. */
  readonly origins?: readonly string[] | undefined;
  /** Ends the task: requests under way are aborted, and it is revoked. */
  readonly signal?: AbortSignal | undefined;
}

/** What a hand-off may narrow. The terms of the child are for the agent that accepts it to ask. */
export type HandOffTerms = Pick<TaskTerms, 'scope' | 'tools' | 'resources' | 'audience'> & {
  readonly signal?: AbortSignal | undefined;
};

/** Names and values of a form; `undefined` leaves a parameter out, a list repeats it. */
export type Form = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A list of names that holds none, on the wire; leaving the parameter out would mean "as much as there is". */
const NO_NAMES = ' ';

/** The parameters of the token endpoint. */
export function taskParameters(terms: TaskTerms): Form {
  return {
    ...narrowing(terms),
    task_id: terms.id,
    task_description: terms.description,
    task_expires_in: terms.expiresIn,
    delegates: names(terms.delegates),
    max_depth: terms.maxDepth,
    max_children: terms.maxChildren,
  };
}

export function narrowing({ scope, tools, resources, audience }: TaskTerms): Form {
  return {
    scope: typeof scope === 'string' ? scope : names(scope),
    required_tools: names(tools),
    required_resources: names(resources),
    resource: audience,
  };
}

function names(list: readonly string[] | undefined): string | undefined {
  return list && (list.join(' ') || NO_NAMES);
}

export function formOf(form: Form): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    for (const each of value === undefined ? [] : [value].flat()) parameters.append(name, String(each));
  }
  return parameters;
}
