import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { invalidFile, readTextFile } from '../dataset/text-file.js'
import type { EmbeddedDataset, VectorParts } from '../embed/embedded-dataset.js'
import { messageOf } from '../errors.js'
import { isObject, parseJsonText } from '../json.js'
import type { Rows } from '../math/row-source.js'

const FILES = { train: 'train.json', validation: 'val.json', test: 'test.json' } as const

/**
 * Puts the texts behind vectors beside them: those of LlamaIndex's JSON files in a folder, `train.json`, `val.json` and
 * `test.json`, whose queries and documents stand in the order of the rows, as JavaScript orders keys (integer-like keys first,
 * ascending).
 */
export async function withTexts(parts: VectorParts<Rows>, folder: string): Promise<VectorParts<Rows>> {
  const read = async (part: keyof typeof FILES): Promise<EmbeddedDataset<Rows> | undefined> => {
    const path = join(folder, FILES[part])
    const data = parts[part]
    return data && (part === 'train' || existsSync(path)) ? withTextsOf(data, path) : data
  }
  const [train, validation, test] = [await read('train'), await read('validation'), await read('test')]
  return { train: train!, ...(validation && { validation }), ...(test && { test }) }
}

async function withTextsOf(data: EmbeddedDataset<Rows>, path: string): Promise<EmbeddedDataset<Rows>> {
  const fail = (problem: string): never => {
    throw invalidFile({ file: path }, problem)
  }
  const text = await readTextFile(path)
  let file: Record<string, unknown>
  try {
    file = parseJsonText(text) as Record<string, unknown>
  } catch (error) {
    return fail(`is not JSON: ${messageOf(error)}`)
  }
  const [queries, corpus] = (['queries', 'corpus'] as const).map(name => {
    const texts = file?.[name]
    const usable = isObject(texts) && Object.values(texts).every(value => typeof value === 'string')
    return usable ? (texts as Record<string, string>) : fail(`expected "${name}" to be an object of texts`)
  })
  const relevant = file.relevant_docs
  if (!isObject(relevant)) return fail('expected "relevant_docs" to be an object of lists')
  const [queryTexts, docTexts] = [Object.values(queries), Object.values(corpus)]
  const counts = [
    [queryTexts.length, data.queries.rows, 'queries'],
    [docTexts.length, data.docs.rows, 'documents'],
  ] as const
  for (const [found, expected, what] of counts) {
    if (found !== expected) fail(`expected ${expected} ${what}, as many as there are vectors, found ${found}`)
  }
  const rowOf = new Map(Object.keys(corpus).map((id, row) => [id, row]))
  Object.keys(queries).forEach((id, row) => {
    const documents = Array.isArray(relevant[id]) ? (relevant[id] as unknown[]) : []
    const rows = new Set(documents.map(document => rowOf.get(String(document))))
    const positives = data.positives[row]
    if (rows.size !== positives.size || [...positives.keys()].some(document => !rows.has(document))) {
      const [paired, relevant] = [positives.keys(), rows].map(found => [...found].join(', ') || 'none')
      const problem = `whose pairs are rows ${paired}; its relevant_docs are rows ${relevant}`
      fail(`query ${JSON.stringify(id)} is row ${row}, ${problem}. The rows are not in the order of the texts`)
    }
  })
  return { ...data, queryTexts, docTexts }
}
