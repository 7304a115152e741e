import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, Index, type Table } from '@lancedb/lancedb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { openIndex } from '../../src/indexes/index.js'
import type { VectorIndex } from '../../src/indexes/vector-index.js'
import { isInMemory } from '../../src/math/row-source.js'
import { scanIndex } from '../../src/pipeline/index-data.js'
import { openData } from '../../src/pipeline/open-data.js'
import { runEvaluation } from '../../src/pipeline/run-evaluation.js'
import { runTraining } from '../../src/pipeline/run-training.js'
import { customProvider } from '../../src/providers/custom.js'
import { clustered } from '../helpers/clustered.js'
import { expectRejection } from '../helpers/rejection.js'

const folder = mkdtempSync(join(tmpdir(), 'index-data-'))
const { rows, train, test: held, provider } = clustered()
const url = `lancedb://${folder}#docs`
const TRAIN = { tune: 'off', train: { epochs: 3, seed: 1 } } as const
let table: Table

beforeAll(async () => {
  const data = rows.map(({ vector, ...row }) => ({
    ...row,
    vector: Array.from(vector),
    half: Number(row.id.slice(1)) % 2,
  }))
  table = await (await connect(folder)).createTable('docs', data, { mode: 'overwrite' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bytesOf = ({ params }: { params: Readonly<Record<string, { data: Float32Array }>> }) =>
  Object.values(params).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'))

test('training from an index gives the adapter of the same vectors embedded, and embeds queries alone', async () => {
  const asked: string[] = []
  const fromTexts = await runTraining({ ...TRAIN, data: await openData({ train, test: held }), provider: provider() })
  const data = await openData({ train, test: held, index: url })
  const fromIndex = await runTraining({ ...TRAIN, data, provider: provider(asked) })
  expect(bytesOf(fromIndex.adapter)).toEqual(bytesOf(fromTexts.adapter))
  expect(fromIndex.report.metrics).toEqual(fromTexts.report.metrics)
  expect(asked.every(text => text.startsWith('question'))).toBe(true)
  expect(fromIndex.report.data.test).toEqual({ queries: 30, pairs: 30, documents: 200 })
  expect(data.documentText('test', 'd7')).toBe('document 7')
  expect(data.warnings).toEqual([
    `${url}: docs has no index on vector: every search is an exact scan`,
    'test: too easy or too small to trust as a test set; expected at least 50 queries and 100 documents, found 30 queries and 200 documents',
  ])
})

test('labels may name documents by id alone, in any format, or by their text', async () => {
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const lines = (fields: (id: string, text: string, answer: string) => object) =>
    [...train.queries].map(([id, text]) => JSON.stringify(fields(id, text, [...train.qrels.get(id)!.keys()][0]))).join('\n')
  const files = [
    write(
      'ids.jsonl',
      lines((_, query, document_id) => ({ query, document_id })),
    ),
    write(
      'texts.jsonl',
      lines((_, query, answer) => ({ query, document: train.corpus.get(answer) })),
    ),
    write(
      'clicks.jsonl',
      lines((_, query, answer) => ({ query, clicked: [answer], shown: ['d1', answer] })),
    ),
    write(
      'llamaindex.json',
      JSON.stringify({
        queries: Object.fromEntries(train.queries),
        relevant_docs: Object.fromEntries(Array.from(train.qrels, ([id, judged]) => [id, [...judged.keys()]])),
      }),
    ),
  ]
  for (const file of files) {
    const data = await openData({ test: file, index: url })
    const { data: measured, close } = await data.embedMeasured({ provider: provider() })
    const found = measured.positives.map(positives => [...positives.keys()].map(row => measured.docIds[row]))
    expect([file, ...found.flat()]).toEqual([file, ...[...train.qrels.values()].flatMap(judged => [...judged.keys()])])
    close?.()
  }
})

test('labels whose document is not in the index are named and counted, and queries without another left out', async () => {
  const qrels = new Map([
    ['q0', new Map([['gone-1', 1]])],
    [
      'q1',
      new Map([
        ['gone-2', 1],
        ['d7', 1],
      ]),
    ],
  ])
  const data = await openData({ test: { ...held, qrels: new Map([...held.qrels, ...qrels]) }, index: url })
  expect(data.warnings).toContain(
    `${url}: 2 relevant documents are not in the index ("gone-1", "gone-2"): 2 labels are left out, and with them 1 queries that have no other`,
  )
  const { data: measured } = await data.embedMeasured({ provider: provider() })
  expect(measured.queryIds).toHaveLength(29)
  const none: QADataset = {
    ...held,
    queries: new Map([['q0', 'question 0']]),
    qrels: new Map([['q0', new Map([['gone', 1]])]]),
  }
  await expectRejection(
    openData({ test: none, index: url }),
    'DATASET_INVALID',
    /1 relevant documents are not in the index \("gone"\)/,
  )
})

test('rows added between two runs are seen, and a deleted positive is named', async () => {
  const added = { id: 'new', text: 'document 0', vector: Array.from(rows[0].vector), half: 0 }
  await table.add([added])
  const grown = await openData({ test: held, index: url })
  const { data } = await grown.embedMeasured({ provider: provider() })
  expect(data.docs.rows).toBe(201)
  // Identical vectors are one document to training: a copy of a positive is no negative.
  expect(data.docTextGroup[data.docIds.indexOf('new')]).toBe(data.docTextGroup[data.docIds.indexOf('d0')])
  await table.delete("id IN ('new', 'd0')")
  const shrunk = await openData({ test: held, index: url })
  expect(shrunk.warnings.some(warning => warning.includes('1 relevant documents are not in the index ("d0")'))).toBe(true)
  await table.add([{ ...added, id: 'd0' }])
})

test('a filter restricts documents and labels alike', async () => {
  const data = await openData({ test: held, index: url, indexFilter: 'half = 0' })
  const { data: measured } = await data.embedMeasured({ provider: provider() })
  expect(measured.docIds.every(id => Number(id.slice(1)) % 2 === 0)).toBe(true)
  expect(data.warnings.some(warning => warning.includes('among the rows that pass the filter'))).toBe(true)
})

test('what exceeds the memory limit goes to a file', async () => {
  const index = await openIndex(url)
  const all = await scanIndex(index, {})
  const spilled = await scanIndex(index, { memory: 1000, spillFolder: folder })
  expect([isInMemory(all.vectors), isInMemory(spilled.vectors)]).toEqual([true, false])
  const row = new Float32Array(16)
  if (!isInMemory(spilled.vectors)) spilled.vectors.gather(Uint32Array.of(42), row)
  const wanted = rows.find(({ id }) => id === spilled.ids[42])!
  expect(row).toEqual(wanted.vector)
  spilled.close()
  await index.close()
})

/** An index of two rows, with what is to be wrong about it. */
const odd = (
  given: Partial<VectorIndex>,
  vectors = [
    [1, 0],
    [0, 1],
  ],
): VectorIndex => ({
  id: 'odd://x#t',
  dimensions: 2,
  metric: 'cosine',
  storage: 'float32',
  hasTexts: false,
  notes: [],
  count: async () => 2,
  async *scan() {
    yield vectors.map((vector, i) => ({ id: `d${i}`, vector: Float32Array.from(vector) }))
  },
  fetch: async ids => ids.filter(id => id === 'd0').map(id => ({ id, vector: Float32Array.from(vectors[0]) })),
  search: async () => ['d0'],
  close: async () => {},
  ...given,
})

test('vectors that are not of the model, not finite, or of repeated ids are refused, each by name', async () => {
  const set: QADataset = {
    ...held,
    queries: new Map([['q0', 'question 0']]),
    qrels: new Map([['q0', new Map([['d0', 1]])]]),
  }
  const measure = async (index: VectorIndex, dimensions = 2) => {
    const model = customProvider({ id: 'test/plane', dimensions, embed: texts => texts.map(() => [1, 0]) })
    return (await openData({ test: set, index: async () => index })).embedMeasured({ provider: model })
  }
  await expectRejection(measure(odd({}), 16), 'VECTOR_INVALID', /gives 16 dimensions, and the vectors of odd:.* have 2/)
  await expectRejection(
    measure(
      odd({}, [
        [1, 0],
        [0, Number.NaN],
      ]),
    ),
    'VECTOR_INVALID',
    /row "d1".* NaN at position 1/,
  )
  await expectRejection(measure(odd({}, [[1, 0], [0]])), 'VECTOR_INVALID', /row "d1".* found 1 values/)
  const twice = odd({
    scan: async function* () {
      yield [0, 0].map(() => ({ id: 'd0', vector: Float32Array.of(1, 0) }))
    },
  })
  await expectRejection(measure(twice), 'INDEX_OPEN', /ids repeat/)
})

test('a metric that differs from cosine on vectors not of unit length, and rounded storage, are named', async () => {
  const set: QADataset = {
    ...held,
    queries: new Map([['q0', 'question 0']]),
    qrels: new Map([['q0', new Map([['d0', 1]])]]),
  }
  const warnings = async (index: VectorIndex) => (await openData({ test: set, index: async () => index })).warnings.join('\n')
  expect(
    await warnings(
      odd({ metric: 'l2' }, [
        [3, 4],
        [0, 1],
      ]),
    ),
  ).toContain('ranks by l2, and its vectors are not of unit length')
  expect(await warnings(odd({ metric: 'l2' }))).not.toContain('unit length')
  expect(await warnings(odd({ storage: 'float16' }))).toContain('vectors are stored as float16')
})

test('evaluation measures the own search of an index beside the exact one, and finds the effort that wins recall back', async () => {
  await table.createIndex('vector', {
    config: Index.ivfPq({ distanceType: 'cosine', numPartitions: 8, numSubVectors: 2, numBits: 4 }),
  })
  const { adapter } = await runTraining({ ...TRAIN, data: await openData({ train, test: held }), provider: provider() })
  const data = await openData({ test: held, index: url, indexEffort: { nprobes: 1 } })
  const report = await runEvaluation({ data, adapter, provider: provider() })
  const exact = await runEvaluation({ data: await openData({ test: held }), adapter, provider: provider() })
  expect(report.metrics.adapted).toEqual(exact.metrics.adapted)
  const { index, metrics } = report
  expect(index).toMatchObject({ kind: 'ivfpq', metric: 'cosine', effort: { nprobes: 1 }, recall: { queries: 30 } })
  for (const side of ['base', 'adapted'] as const) {
    expect(index!.recall[side]).toBeGreaterThan(0)
    expect(index!.recall[side]).toBeLessThan(0.9)
    expect(metrics.index![side]!['ndcg@10']).toBeLessThan(metrics[side]!['ndcg@10'])
    const [first, last] = [index!.curve[0][side]!, index!.curve[index!.curve.length - 1][side]!]
    expect(last).toBeGreaterThan(first)
    expect(last).toBeGreaterThan(0.95)
  }
})

test('searches that a filter or a graph starves are counted, and the advice names what can be set', async () => {
  const set: QADataset = {
    ...held,
    queries: new Map([['q0', 'question 0']]),
    qrels: new Map([['q0', new Map([['d0', 1]])]]),
  }
  const ann = { kind: 'hnsw', effort: { ef_search: 40 }, ladder: [{ ef_search: 80 }] }
  const measure = async (index: VectorIndex) => {
    const data = await openData({ test: set, index: async () => index, indexFilter: 'half = 0' })
    const model = customProvider({ id: 'test/plane', dimensions: 2, embed: texts => texts.map(() => [1, 0]) })
    return runEvaluation({ data, provider: model })
  }
  const { index, warnings } = await measure(odd({ ann }))
  expect(index).toMatchObject({
    short: { base: 1 },
    recall: { k: 2, base: 0.5 },
    curve: [{ effort: 'ef_search=80', base: 0.5 }],
  })
  expect(warnings.join()).toContain('1 searches found fewer than 10 documents: the filter leaves the graph too few rows')
  const whole = await measure(odd({ ann, search: async () => ['d0', 'd1'] }))
  expect(whole.index).toMatchObject({ short: { base: 0 }, recall: { base: 1 } })
  expect(whole.warnings).toEqual([])
})

test('an exact index finds all: its figures are those of the exact search', async () => {
  await (await connect(folder)).createTable(
    'exact',
    rows.map(({ vector, ...row }) => ({ ...row, vector: Array.from(vector) })),
  )
  const data = await openData({ test: held, index: `lancedb://${folder}?metric=cosine#exact` })
  const report = await runEvaluation({ data, provider: provider() })
  expect(report.index).toMatchObject({ recall: { k: 10, base: 1 }, curve: [], short: { base: 0 } })
  expect(report.index!.advice).toBeUndefined()
  expect(report.metrics.index!.base).toEqual(report.metrics.base)
})
