import type { Task } from '../../domain/task.ts';
import type { Page, Paged } from './page.ts';

export interface TaskReads {
  byHandle(handle: string): Promise<Task | undefined>;
  byTaskId(taskId: string): Promise<Task | undefined>;
  byHandles(handles: readonly string[]): Promise<readonly Task[]>;
  /** Direct children, oldest first. */
  children(handle: string, page: Page): Promise<Paged<Task>>;
  /** The task and everything below it, in tree order (each parent before its children). */
  subtree(handle: string, page: Page): Promise<Paged<Task>>;
  /** Newest first. */
  search(filter: TaskFilter, page: Page): Promise<Paged<Task>>;
}

export interface TaskFilter {
  readonly clientId?: string | undefined;
  readonly subject?: string | undefined;
  readonly state?: 'active' | 'completed' | 'failed' | 'revoked' | 'expired' | undefined;
  readonly rootTaskId?: string | undefined;
  readonly now: number;
}
