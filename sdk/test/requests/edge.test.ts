import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { build, stop } from 'esbuild';
import { pair } from './parties.ts';

afterAll(() => stop());

const SDK = fileURLToPath(new URL('../..', import.meta.url));
const RUNNER = fileURLToPath(new URL('../support/edge-runner.ts', import.meta.url));

async function inEdgeRuntime(contents: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: SDK, loader: 'ts' },
    bundle: true,
    format: 'iife',
    globalName: 'program',
    target: 'es2022',
    // Anything of Node would not be found.
    platform: 'neutral',
    write: false,
  });
  const child = spawn(process.execPath, [RUNNER], { timeout: 15_000 });
  child.stdin.end(outputFiles[0]?.text ?? '');
  const [told, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (told === '') throw new Error(complaint);
  return JSON.parse(told);
}

test('signs, checks and refuses in an edge runtime, with nothing of Node', async () => {
  const { privateKey, publicKey } = pair();
  const told = await inEdgeRuntime(`
    import * as sdk from './src/requests/index.ts';
    const [privateKey, publicKey] = ${JSON.stringify([privateKey, publicKey])};
    export async function main() {
      const keys = await sdk.keysGiven([{ issuer: 'a', publicKey }, { issuer: 'b', publicKey }]);
      const guard = sdk.createRequestGuard({
        publicUrl: 'https://agent.example',
        keys,
        replays: sdk.requestReplaysInMemory(),
        profiles: ['signature', 'token'],
      });
      const handle = sdk.requireSignature(guard, async (request, { issuer, profile }) =>
        new Response([issuer, profile, await request.text()].join(' ')));
      const request = () => new Request('https://agent.example/x?y', { method: 'POST', body: 'hello' });
      const signing = { issuer: 'a', privateKey };
      const signed = await sdk.signRequest(request(), signing);
      const again = signed.clone();
      const answers = [await handle(signed), await handle(again)];
      answers.push(await handle(await (await sdk.createRequestTokenSigner(signing)).sign(request())));
      const auth = (agent) => new sdk.InterAgentAuth({ agent, privateKey, keys });
      const { iss } = await auth('b').verifyToken(await auth('a').createToken('b'));
      return [await answers[0].text(), answers[1].status, await answers[2].text(), iss];
    }`);
  expect(told).toEqual(['a signature hello', 401, 'a token hello', 'a']);
});
