import type { ExplainedDocument, Explanation } from '../../pipeline/explain.js'
import { count } from './tables.js'
import { oneLine, padEnd } from './visible-width.js'

/** Columns of a document's id and text. */
const WIDTH = 44

/** Two rankings side by side, with what moved, and the relevant documents marked. */
export function explanationText({ query, documents, relevant, base, adapted, missed }: Explanation): string {
  const known =
    relevant === undefined ? 'the data does not have this query' : `${count(relevant, 'relevant document')}, marked *`
  const rows = Array.from({ length: base.length }, (_, i) => [
    String(i + 1).padStart(4),
    cell(base[i]),
    base[i].score.toFixed(4).padStart(7),
    cell(adapted[i]),
    adapted[i].score.toFixed(4).padStart(7),
    moved(adapted[i]),
  ])
  const head = ['rank', 'base'.padEnd(WIDTH), '  score', 'adapted'.padEnd(WIDTH), '  score', 'moved']
  const lines = [head, ...rows].map(cells => cells.join('  ').trimEnd())
  const rest = missed.map(doc => `* ${doc.id}: rank ${doc.otherRank} -> ${doc.rank}, ${oneLine(doc.text, WIDTH)}`)
  return [
    `${oneLine(query, 2 * WIDTH)}\n${count(documents, 'document')}; ${known}\n`,
    ...lines,
    ...(rest.length > 0 ? ['\nrelevant, but in neither list', ...rest] : []),
  ].join('\n')
}

function cell({ id, text, relevant }: ExplainedDocument): string {
  return padEnd(`${relevant ? '*' : ' '} ${oneLine(`${id} ${text}`, WIDTH - 2)}`, WIDTH)
}

/** How far a document rose (+) or fell (-). */
function moved({ rank, otherRank }: ExplainedDocument): string {
  const by = otherRank - rank
  return by === 0 ? '=' : `${by > 0 ? '+' : ''}${by} (was ${otherRank})`
}
