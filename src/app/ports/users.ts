import type { User } from '../../domain/user.ts';
import type { Page, Paged } from './page.ts';

export interface UserReads {
  byId(userId: string): Promise<User | undefined>;
  byEmail(email: string): Promise<(User & { passwordHash: string }) | undefined>;
  search(page: Page): Promise<Paged<User>>;
  count(): Promise<number>;
}
