import { describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { createJsEngine } from '../../src/engines/js.js'
import { matrix } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { truncateRows } from '../../src/math/row-source.js'
import { type HybridComparison, measureHybrids } from '../../src/pipeline/hybrid-rows.js'
import { tuneHybrid } from '../../src/pipeline/tune-hybrid.js'
import { embedded } from '../helpers/embedded.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const DOCUMENTS = 60
const options = { metric: 'ndcg@10', seed: 7 }

/** Vectors that know a little of the document asked for, and words that know some more. */
function data(seed = 1, queries = 80) {
  const random = createRandom(seed)
  const d = 16
  const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal())
  const docs = matrix(DOCUMENTS, d, normal(DOCUMENTS * d))
  const asked = Array.from({ length: queries }, () => random.int(DOCUMENTS))
  const noise = normal(queries * d)
  const vectors = noise.map((value, i) => value + 0.6 * docs.data[asked[Math.floor(i / d)] * d + (i % d)])
  const wordsOf = (document: number) => [`a${document % 12}`, `b${document % 7}`, `c${document % 5}`]
  return {
    ...embedded({ queries: matrix(queries, d, vectors), docs, positives: asked.map(document => [document]) }),
    docTexts: Array.from({ length: DOCUMENTS }, (_, i) => wordsOf(i).join(' ')),
    queryTexts: asked.map(document => wordsOf(document)[random.int(2)]),
  }
}

describe('tuning a hybrid search', () => {
  test('finds a weight with which both searches together are better than either', async () => {
    const report = await tuneHybrid(createJsEngine(), data(), options)
    expect(report).toMatchObject({ queries: 80, documents: DOCUMENTS, lexical: 'bm25', window: 100 })
    const relative = report.tuned.find(({ fusion }) => fusion === 'relative')!
    expect(relative.passed).toBe(true)
    expect(relative.weight).toBeGreaterThan(0)
    expect(relative.weight).toBeLessThan(1)
    expect(relative.outOfFold).toBeGreaterThan(Math.max(report.vectors, report.words) + 0.05)
    expect(relative.outOfFold).toBeLessThanOrEqual(relative.score)
    expect(report.tuned.map(({ fusion }) => fusion)).toEqual(['relative', 'ranks', 'raw'])
  })

  test('rejects words that say nothing', async () => {
    const { queryTexts: _, ...rest } = data()
    const report = await tuneHybrid(createJsEngine(), { ...rest, queryTexts: rest.queryIds.map(() => 'unknown') }, options)
    for (const { passed, weight } of report.tuned) expect({ passed, weight }).toEqual({ passed: false, weight: 0 })
    expect(report.words).toBeLessThan(report.vectors)
  })

  test('takes the scores of a run instead of BM25, by ids', async () => {
    const set = data()
    const { docTexts: _d, queryTexts: _q, ...without } = set
    const run = new Map(
      set.queryIds.map((id, i) => [id, { documents: [set.docIds[[...set.positives[i].keys()][0]]], scores: [3] }]),
    )
    const report = await tuneHybrid(createJsEngine(), without, { ...options, run })
    expect(report).toMatchObject({ lexical: 'run', words: 1 })
    expect(report.tuned.find(({ fusion }) => fusion === 'relative')!.score).toBe(1)
  })

  test('finds only what one of the two searches has retrieved', async () => {
    const report = await tuneHybrid(createJsEngine(), data(), { ...options, metric: 'recall@60', window: 5 })
    expect(report.vectors).toBe(1)
    expect(report.rrf).toBeLessThan(1)
    for (const fusion of ['relative', 'ranks'] as const) {
      expect(report.tuned.find(each => each.fusion === fusion)!.outOfFold).toBeLessThan(1)
    }
  })

  test('takes negative scores of a run, such as log likelihoods, for what they are', async () => {
    const set = data()
    const docIds = set.docIds.slice(0, 30)
    const runOf = (add: number) =>
      new Map(set.queryIds.map((id, q) => [id, { documents: docIds, scores: docIds.map((_, i) => ((i * 7 + q) % 31) + add) }]))
    const [positive, negative] = await Promise.all(
      [1, -200].map(add => tuneHybrid(createJsEngine(), set, { ...options, run: runOf(add) })),
    )
    expect(negative).toEqual(positive)
  })

  test('takes a score of 0 for a document that is not found, and leaves the others as they are', async () => {
    const set = data()
    const docIds = set.docIds.slice(0, 30)
    const runOf = (isListed: (score: number) => boolean) =>
      new Map(
        set.queryIds.map((id, q) => {
          const found = docIds
            .map((document, i) => ({ document, score: (i * 7 + q) % 31 }))
            .filter(({ score }) => isListed(score))
          return [id, { documents: found.map(({ document }) => document), scores: found.map(({ score }) => score) }]
        }),
      )
    const [all, found] = await Promise.all(
      [() => true, (score: number) => score > 0].map(isListed =>
        tuneHybrid(createJsEngine(), set, { ...options, run: runOf(isListed) }),
      ),
    )
    expect(all).toEqual(found)
  })

  test('compares an adapter with as many dimensions of the documents as it has outputs', async () => {
    const set = data()
    const { index: _, ...adapter } = sampleAdapter('linear', 16, 7, 4)
    const { vectors } = await tuneHybrid(createJsEngine(), set, { ...options, adapter })
    const queries = applyAdapter(adapter, set.queries)
    const short = { ...set, queries, docs: truncateRows(set.docs, 4) }
    expect(vectors).toBeCloseTo((await tuneHybrid(createJsEngine(), short, options)).vectors, 9)
  })

  test('needs texts or a run, and labels', async () => {
    const { docTexts: _, ...without } = data()
    await expect(tuneHybrid(createJsEngine(), without, options)).rejects.toMatchObject({ code: 'TRAIN_DATA' })
    await expect(tuneHybrid(createJsEngine(), data(1, 3), options)).rejects.toMatchObject({
      message: expect.stringContaining('expected at least 5 queries'),
    })
  })
})

describe('hybrid rows beside a proof', () => {
  const measured = async (set: ReturnType<typeof data>) => {
    const measure = measureHybrids(createJsEngine(), set, options)!
    await measure.add('the base', set.queries, set.docs)
    return measure.finish()
  }

  test('are those of a tuned hybrid, with paired statistics, and say what pays', async () => {
    const report = await tuneHybrid(createJsEngine(), data(), options)
    const relative = report.tuned.find(({ fusion }) => fusion === 'relative')!
    const found = await measured(data())
    expect(found).toMatchObject({ metric: 'ndcg@10', queries: 80, documents: DOCUMENTS, bm25: report.words })
    const [row] = (found as HybridComparison).rows
    expect(row).toMatchObject({ vectors: report.vectors, rrf: report.rrf, tuned: relative.outOfFold })
    expect(row.weight).toBe(relative.weight)
    expect(row.difference.tuned.mean).toBeCloseTo(relative.gain, 12)
    expect(row.difference.tuned.low).toBeGreaterThan(0)
    expect(row.difference.tuned.p).toBeLessThan(0.01)
    expect((found as HybridComparison).pays).toBe(`a tuned hybrid with the base (ndcg@10 ${row.tuned.toFixed(4)})`)
  })

  test('prefer what is simple where words add nothing', async () => {
    const set = data()
    const found = await measured({ ...set, queryTexts: set.queryTexts.map(() => 'unknown') })
    expect((found as HybridComparison).pays).toMatch(/^the base alone \(ndcg@10 0\.\d{4}\)/)
  })

  test('are left out without texts, and said to be where there is too much to measure', async () => {
    const { docTexts: _, ...without } = data()
    expect(measureHybrids(createJsEngine(), without, options)).toBeUndefined()
    const set = data()
    const many = { ...set, docIds: Array.from({ length: 500_000 }, (_, i) => `${i}`) }
    expect(measureHybrids(createJsEngine(), many, options)!.finish()).toContain('not measured on 80 queries and 500000')
  })
})
