import type { TaskToken } from '../../domain/task-token.ts';
import type { Task } from '../../domain/task.ts';
import type { Page, Paged } from './page.ts';

export interface TokenReads {
  byId(tokenId: string): Promise<TaskToken | undefined>;
  /** A token and its task, in one read. */
  withTask(tokenId: string): Promise<{ token: TaskToken; task: Task } | undefined>;
  byDigest(digest: string): Promise<TaskToken | undefined>;
  /** Newest first. `live` and `revoked` are decided with the ledger. */
  search(filter: TokenFilter, page: Page): Promise<Paged<TaskToken>>;
  ofTask(taskHandle: string): Promise<readonly TaskToken[]>;
  /** Unexpired tokens of tasks below; `via` counts only what was derived through that token. Stops at `cap` + 1. */
  countBelow(below: { handle: string; via?: string | undefined }, now: number, cap: number): Promise<number>;
}

export interface TokenFilter {
  readonly clientId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly parentTaskId?: string | undefined;
  readonly subject?: string | undefined;
  readonly revoked?: boolean | undefined;
  readonly valid?: boolean | undefined;
  readonly now: number;
}
