import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { linear } from '../../src/adapters/linear.js'
import { type QADataset, selfMatches } from '../../src/dataset/dataset.js'
import { readDataset } from '../../src/dataset/read.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { positiveRanks } from '../../src/evaluate/positive-ranks.js'
import { sampleScores } from '../../src/evaluate/sample-scores.js'
import { tieRankOf } from '../../src/evaluate/top-k.js'
import { NEGATIVES } from '../../src/losses/index.js'
import { normalizedRows } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { runCompare } from '../../src/pipeline/compare/run-compare.js'
import { createExplainer } from '../../src/pipeline/explain.js'
import { openData } from '../../src/pipeline/open-data.js'
import { createProvider } from '../../src/providers/index.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { identityWeights } from '../../src/train/parameters.js'
import { folderWith } from '../dataset/temporary-folder.js'
import { embedded } from '../helpers/embedded.js'

const set = (more: Partial<QADataset> = {}): QADataset => ({
  name: 'set',
  queries: new Map([
    ['a', 'How to sleep?'],
    ['b', 'why is the sky blue'],
    ['c', 'own answer'],
  ]),
  corpus: new Map([
    ['a', ' how TO sleep?'],
    ['b', 'another text'],
    ['c', 'own answer'],
    ['d', 'the answer'],
  ]),
  qrels: new Map([
    ['a', new Map([['d', 1]])],
    ['b', new Map([['d', 1]])],
    ['c', new Map([['c', 1]])],
  ]),
  ...more,
})

/** Query i is document i; queries 0 and 1 have the answer 2 or 3, query 2 is relevant to itself. */
const data: EmbeddedDataset = {
  ...embedded({
    queries: [
      [1, 0],
      [0, 1],
      [1, 1],
    ],
    docs: [
      [1, 0],
      [0, 1],
      [1, 1],
      [1, -0.2],
    ],
    docIds: ['query0', 'query1', 'query2', 'other'],
    positives: [[3], [2], [2]],
    judgedNegatives: [[0, 1], [], []],
  }),
  selfMatches: new Set(['query0', 'query1', 'query2']),
}

describe('a query that stands in its own corpus', () => {
  test('is known by its id and text, and in the BEIR format by its id; not where it is its own answer', () => {
    expect([...selfMatches(set())]).toEqual(['a'])
    expect([...selfMatches(set({ sharedIds: true }))]).toEqual(['a', 'b'])
  })

  test('is left out of its own ranking, in memory and on an engine, and stays a document for the others', async () => {
    const evaluator = createEvaluator(data, ['mrr@4'])
    expect([...evaluator.evaluate(data.queries).perQuery['mrr@4']]).toEqual([1, 1, 1])
    const engine = await createCpuEngine()
    const onEngine = await evaluator.evaluateOn(engine, data.queries)
    expect([...onEngine.perQuery['mrr@4']]).toEqual([1, 1, 1])
    const found = createEvaluator({ ...data, selfMatches: undefined }, ['mrr@4']).evaluate(data.queries)
    expect([...found.perQuery['mrr@4']]).toEqual([0.5, 0.5, 1])

    const [queries, units] = [data.queries, normalizedRows(data.docs)].map(m => engine.upload(m))
    const own = [0, 1, undefined]
    const ranks = await positiveRanks(engine, queries, units, data.positives, tieRankOf(data.docIds), i => own[i])
    expect(ranks.map(list => [...list])).toEqual([[1], [1], [1]])
    const options = { ownDocument: (i: number) => own[i] }
    const { hardestNegatives } = await sampleScores(engine, data.queries, data, data.positives, options)
    expect(hardestNegatives[0]).toBeCloseTo(Math.SQRT1_2, 6)
    engine.dispose()
  })

  test.each(Object.entries(NEGATIVES))('is no negative of its own with %s', (name, source) => {
    const batches = source.create(data, { ...TRAIN_DEFAULTS, batchSize: 3, hardNegatives: 2 })
    expect(batches.mining?.allows(1, 1) ?? false).toBe(false)
    expect(batches.mining?.allows(1, 0) ?? true).toBe(true)
    let columns = 0
    for (const { queryRows, pool = [], documentRows, masked } of batches.epoch(createRandom(1))) {
      const documents = [...pool, ...documentRows]
      queryRows.forEach((query, i) => {
        const left = [...masked.columns.subarray(masked.offsets[i], masked.offsets[i + 1])].map(column => documents[column])
        columns += documents.filter(document => document === query && query < 2).length
        for (const document of documents) if (document === query && query < 2) expect(left).toContain(document)
        if (query === 2) expect(left.filter(document => document !== 2)).toEqual([])
      })
    }
    if (name === 'corpus') expect(columns).toBeGreaterThan(0)
  })

  test('is left out by explain, which names it, and by compare, which counts it', async () => {
    const provider = await createProvider('hashing', { dimensions: 64 })
    const params = identityWeights(linear, 64)
    const base = { id: provider.id, dimensions: 64, normalized: true }
    const adapter = { kind: 'linear', base, params, training: {} } as unknown as Adapter
    const explain = await createExplainer({ provider, adapter, data: set() })
    const found = await explain('How to sleep?', 4)
    expect([found.documents, found.leftOut]).toEqual([3, ['a']])
    expect(found.base.map(({ id }) => id).sort()).toEqual(['b', 'c', 'd'])
    expect(found.adapted.map(({ id }) => id)).not.toContain('a')
    expect(await explain('own answer', 4)).toMatchObject({ documents: 4, base: [{ id: 'c' }, {}, {}, {}] })

    const answered = set({
      qrels: new Map([['a', new Map([['b', 1]])]]),
      corpus: new Map([...set().corpus].slice(0, 2)),
    })
    const { candidates, warnings } = await runCompare([{ name: 'base', provider }], {
      data: answered,
      metrics: ['hit@1'],
    })
    expect(candidates[0].metrics['hit@1'].mean).toBe(1)
    expect(warnings).toContain('set: 1 query is a document of the corpus too, left out of its own ranking')
  })

  test('is counted when data are opened, with a test set that is too small', async () => {
    const lines = (items: readonly object[]) => items.map(item => `${JSON.stringify(item)}\n`).join('')
    const folder = folderWith({
      'beir/corpus.jsonl': lines([...set().corpus].map(([_id, text]) => ({ _id, text }))),
      'beir/queries.jsonl': lines([...set().queries].map(([_id, text]) => ({ _id, text }))),
      'beir/qrels/test.tsv': 'query-id\tcorpus-id\tscore\na\td\t1\nb\td\t1\nc\tc\t1\n',
    })
    const { dataset } = await readDataset(join(folder, 'beir'))
    expect([...selfMatches(dataset)]).toEqual(['a', 'b'])
    const { warnings } = await openData({ test: join(folder, 'beir') })
    expect(warnings).toEqual([
      'beir/test: 2 queries are documents of the corpus too, left out of their own ranking',
      'beir/test: too easy or too small to trust as a test set; expected at least 50 queries and 100 documents, found 3 queries and 4 documents',
    ])
  })
})
