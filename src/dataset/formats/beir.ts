import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AdapterTrainError } from '../../errors.js'
import { parseGrade, quote, show, toId } from '../check.js'
import type { Place } from '../place.js'
import { type DatasetRecord, readJsonLine } from '../records.js'
import type { DatasetSink } from '../sink.js'
import { fileError, readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const CORPUS = 'corpus.jsonl'
const QUERIES = 'queries.jsonl'
const QRELS = 'qrels'

/**
 * A BEIR folder. Only queries that are judged in the chosen file belong to the data set; the text of a document is its title,
 * a space and its text. `qrels/*.tsv` may have BEIR's header, none, or TREC's four columns.
 *
 * @see https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
 */
export const beir = {
  name: 'beir',
  description: 'a BEIR folder with corpus.jsonl, queries.jsonl and qrels/*.tsv (or one of these qrels files)',
  hasSplits: true,
  hasFields: false,
  detect: ({ path, entries }) =>
    entries ? [CORPUS, QUERIES, QRELS].some(name => entries.includes(name)) : isQrelsFile(path),
  async read({ path, entries }, sink, { split }) {
    if (!entries && !isQrelsFile(path))
      throw formatError(path, 'is a file, expected a BEIR folder or a qrels file in one')
    const folder = entries ? path : dirname(dirname(resolve(path)))
    const judged = entries ? await chooseQrels(path, entries, split) : onlyThis(path, split)
    sink.name = `${basename(resolve(folder))}/${basename(judged, '.tsv')}`
    const queryIds = await readQrels(judged, sink)
    await readEntries(join(folder, CORPUS), sink, ({ _id, title, text }, place) => {
      if (title !== undefined && title !== null && typeof title !== 'string') {
        const problem = `the title of document ${show(_id)} is ${show(title)}, expected a string`
        sink.leaveOut(problem, place, toId(_id), { document: _id })
      } else sink.addDocument(_id, typeof text === 'string' ? `${title ?? ''} ${text}`.trim() : text, place)
    })
    await readEntries(join(folder, QUERIES), sink, ({ _id, text }, place) => {
      const id = toId(_id)
      if (id === undefined || queryIds.has(id)) sink.addQuery(_id, text, place)
    })
  },
} as const satisfies DatasetFormat

function isQrelsFile(path: string): boolean {
  const folder = dirname(resolve(path))
  return basename(folder) === QRELS && existsSync(join(folder, '..', CORPUS)) && path.endsWith('.tsv')
}

function onlyThis(path: string, split: string | undefined): string {
  if (split === undefined || basename(path) === `${split}.tsv`) return path
  throw new AdapterTrainError(
    'USAGE',
    `${path} is one qrels file, but the split ${quote(split)} is asked for. Drop one.`,
  )
}

/** The qrels file of the split, or the only one. */
async function chooseQrels(path: string, entries: readonly string[], split: string | undefined): Promise<string> {
  const missing = [CORPUS, QUERIES, QRELS].filter(name => !entries.includes(name))
  if (missing.length > 0) {
    const found = `found ${entries.slice(0, 10).join(', ')}`
    throw formatError(path, `looks like a BEIR folder, but has no ${missing.join(' and no ')}; ${found}`)
  }
  const folder = join(path, QRELS)
  const names = await readdir(folder).catch(cause => {
    throw fileError(folder, cause)
  })
  const splits = names.filter(name => name.endsWith('.tsv')).map(name => basename(name, '.tsv'))
  if (splits.length === 0) throw formatError(folder, 'holds no .tsv file, expected one such as test.tsv')
  const list = splits.sort().join(', ')
  if (split === undefined && splits.length > 1) {
    throw new AdapterTrainError(
      'USAGE',
      `${path} has several splits: ${list}. Choose one with --split (split: 'test'), or name its file (${join(path, QRELS, splits[0])}.tsv).`,
      {
        details: { file: path, splits },
      },
    )
  }
  const chosen = split ?? splits[0]
  if (splits.includes(chosen)) return join(folder, `${chosen}.tsv`)
  throw new AdapterTrainError('USAGE', `${path} has no split ${quote(chosen)}; expected one of: ${list}`, {
    details: { file: path, splits },
  })
}

function formatError(path: string, problem: string): AdapterTrainError {
  return new AdapterTrainError('DATASET_FORMAT', `${path} ${problem}`, { details: { file: path } })
}

/** Reads the judgements and returns the ids of their queries. */
async function readQrels(path: string, sink: DatasetSink): Promise<Set<string>> {
  const queryIds = new Set<string>()
  for await (const { line, text, problem } of readTextLines(path)) {
    const place = { file: path, line }
    const row = text.replace(/\r$/, '')
    const cells = row.includes('\t') ? row.split('\t').map(cell => cell.trim()) : row.trim().split(/\s+/)
    if (problem) sink.leaveOut(problem, place)
    else if (row.trim() === '' || (line === 1 && isHeader(cells))) continue
    else if (cells.length !== 3 && cells.length !== 4) {
      sink.leaveOut(`has ${cells.length} columns, expected query-id, corpus-id and score separated by tabs`, place)
    } else {
      queryIds.add(cells[0])
      sink.addJudgement(cells[0], cells[cells.length - 2], parseGrade(cells[cells.length - 1]), place)
    }
  }
  return queryIds
}

function isHeader(cells: readonly string[]): boolean {
  return /^_?(query|qid|topic)/i.test(cells[0]) && typeof parseGrade(cells[cells.length - 1]) === 'string'
}

async function readEntries(
  path: string,
  sink: DatasetSink,
  take: (entry: DatasetRecord, place: Place) => void,
): Promise<void> {
  for await (const { line, text, problem } of readTextLines(path)) {
    const place = { file: path, line }
    if (problem) sink.leaveOut(problem, place)
    else if (text.trim() !== '') {
      const entry = readJsonLine(text, sink, place)
      if (entry) take(entry, place)
    }
  }
}
