import { expect, test } from '@jest/globals';
import { drawTree } from '../../src/cli/draw-tree.ts';

const node = (id: string, parent: string | null, ...lines: string[]) => ({
  id,
  parent,
  lines: [id, ...lines],
});

test('draws parents above their children, siblings in order, further lines below their node', () => {
  const nodes = [
    node('a', null, 'first'),
    node('b', 'a'),
    node('c', 'b', 'deep'),
    node('d', 'a'),
    node('e', 'gone'),
  ];
  expect(drawTree(nodes)).toEqual(['a', '│   first', '├─ b', '│  └─ c', '│         deep', '└─ d', 'e']);
});

test('draws nothing of nothing', () => {
  expect(drawTree([])).toEqual([]);
});
