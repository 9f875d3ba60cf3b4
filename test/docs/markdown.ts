import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export interface Block {
  /** Line of the file at which the code begins, 1-based. */
  readonly line: number;
  readonly code: string;
  /** What the comments `# => …` say that the block prints, in order; `…` stands for anything. */
  readonly prints: readonly string[];
}

/** The fenced blocks of one language. */
export function blocksOf(markdown: string, language: string): Block[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...markdown.matchAll(fence)].map(({ index, 1: code = '' }) => ({
    line: markdown.slice(0, index).split('\n').length + 1,
    code,
    prints: [...code.matchAll(/^# => (.*)$/gm)].map(([, text = '']) => text),
  }));
}

/** A pattern for a line of output; lines may stand anywhere after the ones before. */
export function printed(expected: readonly string[]): RegExp {
  const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = expected.map((line) => line.split('…').map(literally).join('.*'));
  return new RegExp(lines.join('[^]*?'));
}
