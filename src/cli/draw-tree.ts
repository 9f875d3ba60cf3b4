export interface TreeNode {
  readonly id: string;
  /** Id of the parent; a node whose parent is not among the nodes is drawn as a root. */
  readonly parent: string | null;
  /** What is written at the node: a head and further lines below it. */
  readonly lines: readonly string[];
}

/** The nodes as text, each parent above its children; siblings keep their order. */
export function drawTree(nodes: readonly TreeNode[]): string[] {
  const known = new Set(nodes.map(({ id }) => id));
  const isRoot = ({ parent }: TreeNode) => parent === null || !known.has(parent);
  return nodes.filter(isRoot).flatMap((root) => draw(root, nodes, '', ''));
}

function draw(node: TreeNode, nodes: readonly TreeNode[], head: string, indent: string): string[] {
  const children = nodes.filter(({ parent }) => parent === node.id);
  const [first = '', ...more] = node.lines;
  const trunk = children.length > 0 ? '│ ' : '  ';
  return [
    `${head}${first}`,
    ...more.map((text) => `${indent}${trunk}  ${text}`),
    ...children.flatMap((child, i) => {
      const last = i === children.length - 1;
      return draw(child, nodes, `${indent}${last ? '└─ ' : '├─ '}`, `${indent}${last ? '   ' : '│  '}`);
    }),
  ];
}
