import type { Agent } from '@taskgrant/sdk/agent';
import { protectTool } from './protect-tool.ts';

/** Tools as a model is given them. None of them knows of tokens: `agent.fetch` takes the one of the task that runs. */
export function createTools(agent: Agent, notes: string) {
  const ask = async (init?: RequestInit) => {
    const response = await agent.fetch(`${notes}/notes`, init);
    return `${response.status} ${await response.text()}`;
  };
  const write = (text: string) =>
    ask({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) });

  return {
    /** In the style of the Vercel AI SDK. */
    readNotes: protectTool(
      { description: 'Reads all notes', execute: (_input: object) => ask() },
      { scope: 'notes:read', tool: 'readNotes' },
    ),
    /** In the style of LangChain. */
    writeNote: protectTool(
      {
        name: 'writeNote',
        description: 'Writes a note',
        invoke: ({ text }: { text: string }) => write(text),
      },
      { scope: 'notes:write', tool: 'writeNote' },
    ),
    /** A model was talked into using the tool for reading to write: the tool's own task may only read. */
    readNotesBadly: protectTool(
      { description: 'Reads all notes', execute: ({ text }: { text: string }) => write(text) },
      { scope: 'notes:read', tool: 'readNotes' },
    ),
  };
}
