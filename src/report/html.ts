import { createHash } from 'node:crypto'
import type { DetailedChange, FoundDocument } from '../pipeline/proof.js'
import { VERSION } from '../version.js'
import { createCharts } from './charts.js'
import { change, escapeHtml, score, shorten } from './format.js'
import { SCRIPT } from './html-script.js'
import { STYLE } from './html-style.js'
import { type Block, type Changes, type Figure, kindOf, type Page, type Table, type Tile } from './page.js'

/** Security policy: the page loads nothing and runs one script, so no text of the data can do either. */
const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** Renders a report as one page that needs nothing else. */
export async function renderHtml(page: Page): Promise<string> {
  const chart = await createCharts()
  const { verdict, sections, reproduce } = page
  const warnings = page.warnings.map(warning => `<li>${escapeHtml(warning)}</li>`).join('')
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('')
  const bodies = sections.map(
    ({ id, title, blocks }) =>
      `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${blocks.map(block => blockHtml(block, chart)).join('\n')}</section>`,
  )
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
<h1>${escapeHtml(verdict.text)}</h1>
<p class="about">${escapeHtml(`${page.about.join('; ')}.`)}</p>
${tilesHtml(page.tiles)}
<nav aria-label="Sections"><ul>${links}</ul></nav>
</header>
<main id="content">
${warnings && `<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">Warnings</h2><ul>${warnings}</ul></section>`}
${bodies.join('\n')}
</main>
<footer>Made by adapter-train ${escapeHtml(VERSION)} on <time datetime="${escapeHtml(reproduce.date)}">${escapeHtml(reproduce.date.slice(0, 10))}</time>.</footer>
</div>
<script>${SCRIPT}</script>
</body>
</html>
`
}

function tilesHtml(tiles: readonly Tile[]): string {
  const one = ({ label, value, note = '' }: Tile): string =>
    `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`
  return tiles.length > 0 ? `<dl class="tiles">${tiles.map(one).join('')}</dl>` : ''
}

/** Most characters shown of a query and of a document. */
const SHOWN = { query: 400, document: 320 } as const

function blockHtml(block: Block, chart: (figure: Figure) => string): string {
  if (typeof block === 'string') return `<p>${escapeHtml(block)}</p>`
  if ('code' in block) return `<pre><code>${escapeHtml(block.code)}</code></pre>`
  if ('rows' in block) return tableHtml(block)
  return 'draw' in block ? figureHtml(block, chart) : changesHtml(block)
}

function figureHtml(figure: Figure, chart: (figure: Figure) => string): string {
  const legend = figure.legend?.map(
    ({ label, color }) =>
      `<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill="${color}"/></svg>${escapeHtml(label)}</li>`,
  )
  return [
    `<figure><figcaption>${escapeHtml(figure.caption)}</figcaption>`,
    legend ? `<ul class="legend">${legend.join('')}</ul>` : '',
    chart(figure),
    figure.table ? `<details><summary>Show the figures as a table</summary>${tableHtml(figure.table)}</details>` : '',
    '</figure>',
  ].join('')
}

function tableHtml({ head, rows, caption, words = 1 }: Table): string {
  const kind = (i: number) => (i < words ? ' class="w"' : '')
  const headCell = (text: string, i: number) =>
    text === '' ? `<td${kind(i)}></td>` : `<th scope="col"${kind(i)}>${escapeHtml(text)}</th>`
  const cell = (text: string, i: number) =>
    i === 0 ? `<th scope="row" class="w">${escapeHtml(text)}</th>` : `<td${kind(i)}>${escapeHtml(text)}</td>`
  return [
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table>`,
    `<caption>${escapeHtml(caption)}</caption><thead><tr>${head.map(headCell).join('')}</tr></thead><tbody>`,
    ...rows.map(row => `<tr>${row.map(cell).join('')}</tr>`),
    '</tbody></table></div>',
  ].join('')
}

function changesHtml(changes: Changes): string {
  const choice = (value: string, label: string, checked = '') =>
    `<label><input type="radio" name="kind" value="${value}"${checked}> ${label}</label>`
  return [
    '<form class="filter" data-list="changes-list" hidden>',
    '<label>Contains <input type="search" name="text" autocomplete="off"></label>',
    `<fieldset aria-label="Which changes">${choice('all', 'all', ' checked')}${choice('better', 'better')}${choice('worse', 'worse')}</fieldset>`,
    '<output></output></form>',
    `<div id="changes-list">${changeGroup('better', changes)}${changeGroup('worse', changes)}</div>`,
  ].join('')
}

/** Changes of each kind shown before one asks for more. */
const SHOWN_CHANGES = 10

function changeGroup(kind: 'better' | 'worse', changes: Changes): string {
  const items = changes.items.filter(item => kindOf(item) === kind).map(item => changeHtml(item, changes))
  if (items.length === 0) return ''
  const list = (part: readonly string[]): string => `<ol class="changes">${part.join('')}</ol>`
  const rest = items.slice(SHOWN_CHANGES)
  const more = `<details class="more"><summary>Show ${rest.length} more</summary>${list(rest)}</details>`
  const title = `<h3>${kind === 'better' ? 'Better' : 'Worse'}</h3>`
  return `<div class="${kind}">${title}${list(items.slice(0, SHOWN_CHANGES))}${rest.length > 0 ? more : ''}</div>`
}

function changeHtml(item: DetailedChange, { depth, documentText }: Changes): string {
  const rank = (value: number | null) => (value === null ? `>${depth}` : String(value))
  const kind = kindOf(item)
  const textOf = (id: string) => shorten(documentText?.(id) ?? id, SHOWN.document)
  const relevant = item.relevant?.slice(0, 3).map(id => `<bdi>${escapeHtml(textOf(id))}</bdi>`)
  const list = (title: string, documents: readonly FoundDocument[]) =>
    `<div><h3>${title}</h3><ol>${documents.map(document => documentHtml(document, textOf)).join('')}</ol></div>`
  const first = relevant ? `<p class="wide-cell"><b>Relevant:</b> ${relevant.join(' · ')}</p>` : ''
  const body =
    item.found &&
    `<div class="pair">${first}${list('First documents before', item.found.base)}${list('First documents after', item.found.adapted)}</div>`
  const head = [
    `<span class="mark">${kind}, rank ${rank(item.baseRank)} → ${rank(item.adaptedRank)} (${change(item.adapted - item.base)})</span>`,
    `<bdi dir="auto">${escapeHtml(shorten(item.text ?? item.queryId, SHOWN.query))}</bdi>`,
  ].join(' ')
  return `<li class="${kind}">${body ? `<details><summary>${head}</summary>${body}</details>` : `<p>${head}</p>`}</li>`
}

function documentHtml({ id, score: cosine, relevant }: FoundDocument, textOf: (id: string) => string): string {
  const note = `${relevant ? '<b>relevant</b>, ' : ''}cosine ${score(cosine)}`
  return `<li${relevant ? ' class="relevant"' : ''}><bdi dir="auto">${escapeHtml(textOf(id))}</bdi><small>${note}</small></li>`
}
