import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent';
import { protectTool, ToolRefused } from '../../examples/tool-wrapper/protect-tool.ts';
import { administer, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runReadme } from './run-readme.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

test('tools work for a task alone, each with no more than it needs', async () => {
  const told = await runReadme('tool-wrapper', server);
  expect(told).toMatch(/^reading: 200 /m);
  const { tasks } = await administer(server, 'GET', '/api/admin/tasks');
  const calls = tasks.filter(({ depth }: { depth: number }) => depth === 1);
  expect(calls).toHaveLength(3);
  expect(calls.map(({ scope }: { scope: string }) => scope).sort()).toEqual([
    'notes:read',
    'notes:read',
    'notes:write',
  ]);
});

describe('a protected tool', () => {
  class Counter {
    readonly name = 'counter';
    count = 0;
    async invoke(by: number) {
      this.count += by;
      return this.describe();
    }
    describe() {
      return `${this.name}: ${this.count}`;
    }
  }
  const counter = new Counter();
  const tool = protectTool(counter, { scope: 'reports:read' });

  test('is the tool that it was made of, and works on that one', async () => {
    const agent = createAgent({ issuer: server.issuer, ...(await registerAgent(server)) });
    expect(tool).toBeInstanceOf(Counter);
    await agent.task({ scope: 'reports:read example:read' }, async () => {
      expect(await Promise.all([tool.invoke(1), tool.invoke(2)])).toEqual(['counter: 1', 'counter: 3']);
    });
    expect(counter.count).toBe(3);
  });

  test('does nothing outside of a task, in one that has ended, or in one that may not', async () => {
    const before = counter.count;
    const agent = createAgent({ issuer: server.issuer, ...(await registerAgent(server)) });
    await expect(tool.invoke(1)).rejects.toThrow(ToolRefused);
    const other = await agent.task({ scope: 'example:read' });
    await expect(other.run(() => tool.invoke(1))).rejects.toThrow('the task may not reports:read');
    const ended = await agent.task({ scope: 'reports:read' });
    await ended.complete();
    await expect(ended.run(() => tool.invoke(1))).rejects.toThrow(ToolRefused);
    await agent.close();
    expect(counter.count).toBe(before);
  });

  test('has something that is called', () => {
    expect(() => protectTool({ name: 'nothing' }, { scope: 'reports:read' })).toThrow(TypeError);
  });
});
