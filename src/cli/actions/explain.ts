import { createInterface } from 'node:readline'
import { loadAdapter } from '../../adapters/file.js'
import { isAdapterTrainError, usageError } from '../../errors.js'
import { createExplainer, type ExplainedDocument, type Explanation } from '../../pipeline/explain.js'
import { datasetOf, scanIndex, usingIndex } from '../../pipeline/index-data.js'
import { EXIT } from '../command.js'
import type { ExplainArgs } from '../commands/explain.js'
import { checkProviderArgs, withBaseOf } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { count } from '../output/tables.js'
import { oneLine, padEnd, visibleWidth } from '../output/width.js'
import { ifSent, noteUnchecked, openListed, withSession } from '../session.js'

/**
 * Prints the rankings of one query or, as `try`, of every line of stdin up to an empty one.
 * @returns the exit code: failed if a query of `try` failed; the others are answered all the same
 */
export async function explain(args: ExplainArgs): Promise<number | undefined> {
  const out = createConsole(args)
  checkProviderArgs(args.base, args)
  const adapter = loadAdapter(args.adapter)
  const { format, split, skipInvalid, allowMismatch, query, top } = args
  const { index, indexFilter: filter, data: test } = args
  if (test === undefined && index === undefined) throw usageError('missing option --data, or --index with the documents')
  const options = { test, format, split, skipInvalid, index, indexFilter: filter }
  const labels = test === undefined ? undefined : (await openListed(options, out)).parts!.test!
  const documents = index === undefined ? undefined : await usingIndex(index, opened => scanIndex(opened, { filter }))
  const data = documents ? datasetOf(documents, labels) : labels!
  const opened = await withBaseOf(args, adapter, args.adapter)
  return withSession(opened, out, async ({ provider, cache, signal, embed: { onPlan, ...embed }, release }) => {
    noteUnchecked(adapter, provider, out)
    const embedding = { ...embed, onPlan: ifSent(onPlan), signal }
    const ask = await createExplainer({ provider, adapter, data, documents, allowMismatch, cache, embed: embedding })
    if (query === undefined) {
      release()
      return explainLines(line => ask(line, top), out)
    }
    const explanation = await ask(query, top)
    out.json(explanation)
    out.result(explanationText(explanation, process.stdout.columns))
    return undefined
  })
}

async function explainLines(ask: (query: string) => Promise<Explanation>, out: Console): Promise<number | undefined> {
  let code: number | undefined
  const { stdin, stderr } = process
  const lines = createInterface({ input: stdin, output: stdin.isTTY ? stderr : undefined, prompt: 'query> ' })
  lines.on('SIGINT', () => lines.close())
  if (stdin.isTTY) lines.prompt()
  // Leaving the loop closes the lines.
  for await (const line of lines) {
    if (line.trim() === '') break
    try {
      out.result(`${explanationText(await ask(line), process.stdout.columns)}\n`)
    } catch (error) {
      if (!isAdapterTrainError(error)) throw error
      out.error(error.message)
      code = EXIT.failed
    }
    if (stdin.isTTY) lines.prompt()
  }
  return code
}

/** Columns of the output if it is not a terminal, and the fewest of a document's id and text. */
const COLUMNS = { output: 120, document: 30 } as const
/** Columns beside the two lists of documents: rank, scores, moves, blanks. */
const BESIDE = 42
/** Columns of a long id, of which the end is shown; `--json` has all of it. */
const ID = 12

/** Lays two rankings out side by side, with moves and the relevant documents marked. `columns`: of the output. */
export function explanationText(explanation: Explanation, columns: number = COLUMNS.output): string {
  const { query, documents, relevant, leftOut, terms, base, adapted, missed } = explanation
  const width = Math.max(COLUMNS.document, Math.floor((columns - BESIDE) / 2))
  const known = relevant === undefined ? 'the data does not have this query' : `${count(relevant, 'relevant document')}, marked *`
  const own = leftOut ? ` (without ${leftOut.join(', ')}, the query itself)` : ''
  const rows = Array.from({ length: base.length }, (_, i) => [
    String(i + 1).padStart(4),
    cell(base[i], width),
    base[i].score.toFixed(4).padStart(7),
    cell(adapted[i], width),
    adapted[i].score.toFixed(4).padStart(7),
    moved(adapted[i]),
  ])
  const head = ['rank', 'base'.padEnd(width), '  score', 'adapted'.padEnd(width), '  score', 'moved']
  const lines = [head, ...rows].map(cells => cells.join('  ').trimEnd())
  const rest = missed.map(doc => `* ${shortId(doc.id)}: rank ${doc.otherRank} -> ${doc.rank}, ${oneLine(doc.text, 2 * width)}`)
  const words = terms?.map(({ term, share }) => `${term} ${Math.round(100 * share)}%`).join(', ')
  return [
    `${oneLine(query, 2 * width)}\n${count(documents, 'document')}${own}; ${known}\n`,
    ...lines,
    ...(rest.length > 0 ? ['\nrelevant, but in neither list', ...rest] : []),
    ...(terms ? [`\nwords that moved the query: ${words || 'none is known'}`] : []),
  ].join('\n')
}

function cell({ id, text, relevant }: ExplainedDocument, width: number): string {
  return padEnd(`${relevant ? '*' : ' '} ${oneLine(`${shortId(id)} ${text}`, width - 2)}`, width)
}

function shortId(id: string): string {
  if (visibleWidth(id) <= ID) return id
  return `…${[...id].slice(1 - ID).join('')}`
}

function moved({ rank, otherRank }: ExplainedDocument): string {
  const by = otherRank - rank
  return by === 0 ? '=' : `${by > 0 ? '+' : ''}${by} (was ${otherRank})`
}
