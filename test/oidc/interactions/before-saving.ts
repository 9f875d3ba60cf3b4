import { jest } from '@jest/globals';
import type { InteractionsApp } from './app.ts';

/** Something that happens while a request runs, after it has found its session and before it saves it. */
export function beforeSessionIsSaved(app: InteractionsApp, happens: (id: string) => Promise<unknown>): void {
  const { artifacts } = app.store;
  for (const way of ['upsert', 'update'] as const) {
    const save = artifacts[way];
    jest.spyOn(artifacts, way).mockImplementation(async (artifact) => {
      if (artifact.model === 'Session') {
        jest.restoreAllMocks();
        await happens(artifact.id);
      }
      return save(artifact);
    });
  }
}
