import { createHash } from 'node:crypto'
import { VERSION } from '../version.js'
import { createCharts } from './charts.js'
import { escapeHtml } from './escape.js'
import { blockHtml } from './html-blocks.js'
import { SCRIPT } from './html-script.js'
import { STYLE } from './html-style.js'
import type { Page, Tile } from './page.js'

/** The page may load nothing and run one script, so that no text of the data can do either. */
const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** A report as one page that needs nothing else. */
export async function renderHtml(page: Page): Promise<string> {
  const chart = await createCharts()
  const { verdict, sections, reproduce } = page
  const warnings = page.warnings.map(warning => `<li>${escapeHtml(warning)}</li>`).join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeHtml(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<div class="page">
<header class="${verdict.tone}">
<h1>${escapeHtml(unbroken(verdict.text))}</h1>
<p class="about">${escapeHtml(`${page.about.join('; ')}.`)}</p>
${tilesHtml(page.tiles)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('')}</ul></nav>
</header>
<main id="content">
${warnings && `<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">Warnings</h2><ul>${warnings}</ul></section>`}
${sections
  .map(
    ({ id, title, blocks }) =>
      `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${blocks.map(block => blockHtml(block, chart)).join('\n')}</section>`,
  )
  .join('\n')}
</main>
<footer>Made by adapter-train ${escapeHtml(VERSION)} on <time datetime="${escapeHtml(reproduce.date)}">${escapeHtml(reproduce.date.slice(0, 10))}</time>.</footer>
</div>
<script>${SCRIPT}</script>
</body>
</html>
`
}

/** Keeps a number and its sign of percent on one line. */
function unbroken(text: string): string {
  return text.replace(/(\d) %/g, '$1\u00A0%')
}

function tilesHtml(tiles: readonly Tile[]): string {
  const one = ({ label, value, note = '' }: Tile): string =>
    `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`
  return tiles.length > 0 ? `<dl class="tiles">${tiles.map(one).join('')}</dl>` : ''
}
