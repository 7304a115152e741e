import type { DetailedChange, FoundDocument } from '../pipeline/proof-detail.js'
import { escapeHtml } from './escape.js'
import { change, score, shorten } from './format.js'
import type { Block, Changes, Figure, Table } from './section.js'

/** Characters of a query and of a document that are shown. */
const SHOWN = { query: 400, document: 320 } as const

/** A block of a section as HTML. */
export function blockHtml(block: Block, chart: (figure: Figure) => string): string {
  switch (block.type) {
    case 'text':
      return `<p>${escapeHtml(block.text)}</p>`
    case 'list':
      return `<ul>${block.items.map(item => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`
    case 'table':
      return tableHtml(block.table)
    case 'code':
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`
    case 'figure':
      return figureHtml(block.figure, chart)
    case 'changes':
      return changesHtml(block.changes)
  }
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
    `<ol class="changes" id="changes-list">${changes.items.map(item => changeHtml(item, changes)).join('')}</ol>`,
  ].join('')
}

function changeHtml(item: DetailedChange, { depth, documentText }: Changes): string {
  const rank = (value: number | null) => (value === null ? `>${depth}` : String(value))
  const kind = item.adapted > item.base ? 'better' : 'worse'
  const textOf = (id: string) => shorten(documentText?.(id) ?? id, SHOWN.document)
  const relevant = item.relevant?.slice(0, 3).map(id => `<bdi>${escapeHtml(textOf(id))}</bdi>`)
  const list = (title: string, documents: readonly FoundDocument[]) =>
    `<div><h3>${title}</h3><ol>${documents.map(document => documentHtml(document, textOf)).join('')}</ol></div>`
  const body =
    item.found &&
    [
      '<div class="pair">',
      relevant ? `<p class="wide-cell"><b>Relevant:</b> ${relevant.join(' · ')}</p>` : '',
      list('First documents before', item.found.base),
      list('First documents after', item.found.adapted),
      '</div>',
    ].join('')
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
