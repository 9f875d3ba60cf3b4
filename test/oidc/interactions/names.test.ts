import { expect, test } from '@jest/globals';
import { interactionsScene } from './scene.ts';

const { app, atConsent } = interactionsScene();

test('names of tools and resources are shown as they are, with all that a person would not see in them', async () => {
  const agent = await app.agent({
    tools: ['report\u202efdp.exe', 'search\u200b', '<b>', 'suche-für-alle', '検索'],
    resources: ['folder/\u2067a'],
  });
  const { page } = await atConsent(agent, await app.person());
  for (const name of ['report\\u{202e}fdp.exe', 'search\\u{200b}', '&lt;b&gt;', 'suche-für-alle', '検索']) {
    expect(page.html).toContain(`<li><code>${name}</code></li>`);
  }
  expect(page.html).toContain('<li><code>folder/\\u{2067}a</code></li>');
});
