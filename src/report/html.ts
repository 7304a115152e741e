import { createHash } from 'node:crypto'
import { VERSION } from '../version.js'
import { createCharts } from './charts.js'
import { escapeHtml } from './escape.js'
import { change, interval, metricName, pValue, score, whole } from './format.js'
import { blockHtml } from './html-blocks.js'
import { SCRIPT } from './html-script.js'
import { STYLE } from './html-style.js'
import type { Report } from './report.js'
import { sectionsOf } from './sections/index.js'
import { verdictOf } from './verdict.js'

/** The page may load nothing and run one script, so that no text of the data can do either. */
const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** A report as one page that needs nothing else. */
export async function renderHtml(report: Report): Promise<string> {
  const chart = await createCharts()
  const verdict = verdictOf(report)
  const sections = sectionsOf(report)
  const about = [
    `Base ${report.base.id}, ${whole(report.base.dimensions)} dimensions`,
    report.kind && `adapter kind ${report.kind}`,
    report.measuredOn && `measured on ${report.measuredOn}`,
  ]
  const warnings = report.warnings.map(warning => `<li>${escapeHtml(warning)}</li>`).join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeHtml(`adapter-train report: ${report.base.id}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<div class="page">
<header class="${verdict.tone}">
<h1>${escapeHtml(unbroken(verdict.text))}</h1>
<p class="about">${escapeHtml(`${about.filter(Boolean).join('; ')}.`)}</p>
${tilesHtml(report)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('')}</ul></nav>
</header>
<main id="content">
${warnings && `<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">Warnings</h2><ul>${warnings}</ul></section>`}
${sections
  .map(
    ({ id, title, blocks }) =>
      `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${blocks.map(block => blockHtml(block, chart, report)).join('\n')}</section>`,
  )
  .join('\n')}
</main>
<footer>Made by adapter-train ${escapeHtml(VERSION)} on <time datetime="${escapeHtml(report.reproduce.date)}">${escapeHtml(report.reproduce.date.slice(0, 10))}</time>.</footer>
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

function tilesHtml({ metrics, metric, difference, wins, ties, losses, queries }: Report): string {
  if (!metrics) return ''
  const name = metricName(metric)
  const adapted = metrics.adapted?.[metric]
  const d = difference?.[metric]
  const tile = (label: string, value: string, note = '') =>
    `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`
  const count = queries === undefined ? '' : `${whole(queries)} ${queries === 1 ? 'query' : 'queries'}`
  const tiles = [tile(`${name}, base`, score(metrics.base[metric]), count)]
  if (adapted !== undefined) tiles.push(tile(`${name}, adapted`, score(adapted), count))
  if (d) tiles.push(tile('difference', change(d.mean), `${interval(d)}, p\u00A0${pValue(d.p).replace(' ', '\u00A0')}`))
  if (wins !== undefined)
    tiles.push(tile('queries better', whole(wins), `${whole(losses ?? 0)} worse, ${whole(ties ?? 0)} the same`))
  return `<dl class="tiles">${tiles.join('')}</dl>`
}
