import { createHash } from 'node:crypto';

/** The one style sheet of all pages for people: light and dark, from 320 px, nothing loaded from elsewhere. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --page: #f3f4f6; --card: #ffffff; --text: #1b1f27; --quiet: #565e6c; --line: #cdd2da; --field: #828b99;
  --accent: #1d4ed8; --accent-strong: #1e3fae; --on-accent: #ffffff;
  --alert: #a61b1b; --alert-back: #fdf1f1; --notice: #7a4a00; --notice-back: #fff6e0; --quote: #eef1f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1b2029; --text: #e8ebf0; --quiet: #a7b0be; --line: #39414f; --field: #7d8797;
    --accent: #8db4ff; --accent-strong: #b3ccff; --on-accent: #0d1830;
    --alert: #ff9d9d; --alert-back: #331b1e; --notice: #f4c66a; --notice-back: #2f2713; --quote: #242b37;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; overflow-wrap: anywhere;
}
header, main, footer { max-width: 34rem; margin: 0 auto; }
header { padding: 0 .25rem .75rem; font-weight: 650; letter-spacing: .01em; }
main { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
footer { padding: .75rem .25rem; color: var(--quiet); font-size: .875rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; text-wrap: balance; }
h2, legend { font-size: 1rem; font-weight: 650; margin: 0 0 .5rem; padding: 0; }
p { margin: 0 0 1rem; }
section, fieldset { border: 0; border-top: 1px solid var(--line); margin: 1.25rem 0 0; padding: 1.25rem 0 0; }
fieldset { min-width: 0; }
legend { float: left; width: 100%; }
legend + * { clear: both; }
a { color: var(--accent); text-underline-offset: .15em; }
bdi { unicode-bidi: isolate; }
code { font: .875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.quiet { color: var(--quiet); }
.small { font-size: .875rem; }
dl { margin: 0; }
dt { color: var(--quiet); font-size: .875rem; }
dd { margin: 0 0 .75rem; }
dd:last-child { margin-bottom: 0; }
ul { margin: 0; padding: 0; list-style: none; }
li + li { margin-top: .25rem; }
blockquote {
  margin: .25rem 0 0; padding: .75rem 1rem; background: var(--quote); border-left: 4px solid var(--field);
  border-radius: 0 .375rem .375rem 0;
}
.field { margin: 0 0 1rem; }
.field label { display: block; font-weight: 600; margin-bottom: .25rem; }
.field input {
  width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--field); border-radius: .375rem;
}
.field input[aria-invalid="true"] { border: 2px solid var(--alert); }
.wrong { color: var(--alert); margin: 0 0 .25rem; font-size: .875rem; font-weight: 600; }
.choice { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0 .75rem; padding: .375rem 0; }
.choice input { width: 1.5rem; height: 1.5rem; margin: 0; accent-color: var(--accent); }
.choice label, .choice div { grid-column: 2; }
.choice code, .choice .small { display: block; color: var(--quiet); }
.alert, .notice {
  border: 1px solid; border-left-width: 4px; border-radius: .375rem; padding: .75rem 1rem; margin: 0 0 1.25rem;
}
.alert { color: var(--alert); background: var(--alert-back); }
.notice { color: var(--notice); background: var(--notice-back); }
.alert h2 { margin: 0; }
.alert a { color: inherit; }
.alert ul { margin-top: .25rem; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; }
button, .button {
  flex: 1 1 9rem; min-height: 2.75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border: 1px solid var(--field); border-radius: .375rem; background: transparent; color: inherit;
  text-align: center; text-decoration: none;
}
button.primary, .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.primary:hover, .button.primary:hover { background: var(--accent-strong); border-color: var(--accent-strong); }
button:not(.primary):hover { background: var(--quote); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 26rem) { body { padding: 1rem .5rem 2rem; } main { padding: 1.125rem; } }
@media (forced-colors: active) { button, .button, .alert, .notice { border: 1px solid; } }
`.trim();

/** Source expression of Content-Security-Policy that permits exactly this style sheet. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE_SHEET).digest('base64')}'`;
