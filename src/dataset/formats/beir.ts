import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { usageError } from '../../errors.js'
import { visible } from '../../files.js'
import { optionWord } from '../../words.js'
import { parseGrade, quote, show, toId } from '../check.js'
import { type ReadRecord, readJsonLines } from '../read-entries.js'
import type { DatasetSink } from '../sink.js'
import { fileError, formatError, type Place, readTextLines } from '../text-file.js'
import type { DatasetFormat } from './format.js'

const CORPUS = 'corpus.jsonl'
const QUERIES = 'queries.jsonl'
const QRELS = 'qrels'

/**
 * A BEIR folder. The dataset has only queries that are judged in the chosen file; the text of a document is its title,
 * a space and its text. An id is `_id`, or `id` as newer mteb writes it. A pair judged twice keeps its highest grade. A file of `qrels` is a table (.tsv), which may have BEIR's header, none, or TREC's four columns; or JSON Lines, as mteb writes them.
 * @see https://github.com/beir-cellar/beir/wiki/Load-your-custom-dataset
 */
export const beir = {
  name: 'beir',
  description: 'a BEIR folder with corpus.jsonl, queries.jsonl and qrels/*.tsv or *.jsonl (or one of these qrels files)',
  hasSplits: true,
  detect: ({ path, entries }) => (entries ? [CORPUS, QUERIES, QRELS].some(name => entries.includes(name)) : isQrelsFile(path)),
  async read({ path, entries }, sink, { split, documentsElsewhere = false }) {
    if (!entries && !isQrelsFile(path))
      throw formatError(path, `${path} is a file, expected a BEIR folder or a qrels file in one`)
    const folder = entries ? path : dirname(dirname(resolve(path)))
    const judged = entries ? await chooseQrels(path, entries, split, documentsElsewhere) : onlyThis(path, split)
    sink.name = `${basename(resolve(folder))}/${splitOf(judged)}`
    sink.sharedIds = true
    // Public sets judge some pairs twice.
    sink.keepHighest = true
    const queryIds = await readQrels(judged, sink)
    const corpus = join(folder, CORPUS)
    const addDocument: ReadRecord = ({ _id: own, id, title, text }, place) => {
      const _id = own ?? id
      if (title !== undefined && title !== null && typeof title !== 'string') {
        const problem = `the title of document ${show(_id)} is ${show(title)}, expected a string`
        sink.leaveOut(problem, place, toId(_id), { document: _id })
      } else sink.addDocument(_id, typeof text === 'string' ? `${title ?? ''} ${text}`.trim() : text, place)
    }
    if (!documentsElsewhere || existsSync(corpus)) await readJsonLines(corpus, sink, { record: addDocument })
    const addQuery: ReadRecord = ({ _id: own, id: other, text }, place) => {
      const _id = own ?? other
      const id = toId(_id)
      if (id === undefined || queryIds.has(id)) sink.addQuery(_id, text, place)
    }
    await readJsonLines(join(folder, QUERIES), sink, { record: addQuery })
  },
} as const satisfies DatasetFormat

function isQrelsFile(path: string): boolean {
  const folder = dirname(resolve(path))
  return basename(folder) === QRELS && existsSync(join(folder, '..', CORPUS)) && QRELS_ENDING.test(path)
}

const QRELS_ENDING = /\.(tsv|jsonl)$/

const splitOf = (file: string): string => basename(file).replace(QRELS_ENDING, '')

function onlyThis(path: string, split: string | undefined): string {
  if (split === undefined || splitOf(path) === split) return path
  throw usageError(`${path} is one qrels file, but the split ${quote(split)} is asked for. Drop one.`)
}

async function chooseQrels(
  path: string,
  entries: readonly string[],
  split: string | undefined,
  documentsElsewhere: boolean,
): Promise<string> {
  const needed = documentsElsewhere ? [QUERIES, QRELS] : [CORPUS, QUERIES, QRELS]
  const missing = needed.filter(name => !entries.includes(name))
  if (missing.length > 0) {
    const problem = `looks like a BEIR folder, but has no ${missing.join(' and no ')}`
    throw formatError(path, `${path} ${problem}; found ${entries.slice(0, 10).join(', ')}`)
  }
  const folder = join(path, QRELS)
  const names = await readdir(folder).catch(cause => {
    throw fileError(folder, cause)
  })
  const files = visible(names).filter(name => QRELS_ENDING.test(name))
  const splits = [...new Set(files.map(splitOf))]
  if (splits.length === 0) throw formatError(folder, `${folder} holds no .tsv or .jsonl file, expected one such as test.tsv`)
  const fileOf = (name: string): string => join(folder, `${name}.${names.includes(`${name}.tsv`) ? 'tsv' : 'jsonl'}`)
  const list = splits.sort().join(', ')
  if (split === undefined && splits.length > 1) {
    const fix = `Choose one with ${optionWord("--split (split: 'test')")}, or name its file (${fileOf(splits[0])}).`
    throw usageError(`${path} has several splits: ${list}. ${fix}`, { details: { file: path, splits } })
  }
  const chosen = split ?? splits[0]
  if (splits.includes(chosen)) return fileOf(chosen)
  const problem = `${path} has no split ${quote(chosen)}; expected one of: ${list}`
  throw usageError(problem, { details: { file: path, splits } })
}

const QUERY_KEYS = ['query-id', 'query_id', 'qid']
const DOCUMENT_KEYS = ['corpus-id', 'corpus_id', 'document_id', 'docid']
const isGiven = (value: unknown): boolean => value !== undefined && value !== null

async function readQrels(path: string, sink: DatasetSink): Promise<Set<string>> {
  const queryIds = new Set<string>()
  const judge = (query: unknown, document: unknown, grade: unknown, place: Place): void => {
    const id = toId(query)
    // A table may have blanks around its cells.
    if (id !== undefined) queryIds.add(id).add(id.trim())
    sink.addJudgement(query, document, grade, place)
  }
  if (path.endsWith('.jsonl')) {
    const record: ReadRecord = (entry, place) => {
      const [query, document] = [QUERY_KEYS, DOCUMENT_KEYS].map(keys => keys.map(key => entry[key]).find(isGiven))
      const grade = entry.score ?? entry.grade ?? 1
      judge(query, document, typeof grade === 'string' ? parseGrade(grade) : grade, place)
    }
    await readJsonLines(path, sink, { record })
    return queryIds
  }
  for await (const { line, text, problem } of readTextLines(path)) {
    const place = { file: path, line }
    const row = text.replace(/\r$/, '')
    const cells = row.includes('\t') ? row.split('\t') : row.trim().split(/\s+/)
    while (cells.length > 3 && cells.at(-1)!.trim() === '') cells.pop()
    if (problem) sink.leaveOut(problem, place)
    else if (row.trim() === '' || (line === 1 && isHeader(cells))) continue
    else if (cells.length !== 3 && cells.length !== 4) {
      sink.leaveOut(`has ${cells.length} columns, expected query-id, corpus-id and score separated by tabs`, place)
    } else {
      judge(cells[0], cells[cells.length - 2], parseGrade(cells[cells.length - 1]), place)
    }
  }
  return queryIds
}

function isHeader(cells: readonly string[]): boolean {
  return /^\s*_?(query|qid|topic)/i.test(cells[0]) && typeof parseGrade(cells[cells.length - 1]) === 'string'
}
