import { describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { matrix, norm, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { partsFromVectors } from '../../src/pipeline/embedded-parts.js'
import { trainOnEmbedded } from '../../src/pipeline/train-on-embedded.js'
import type { TrainingOptions } from '../../src/pipeline/training.js'
import { embedded } from '../helpers/embedded.js'

const D = 24
const DOCUMENTS = 80

/**
 * Documents with words of their own, and queries with two of these words whose vectors hold next to nothing of the document.
 * @param foreign words of other documents in each query
 */
function wordyData(seed: number, queries: number, labels: 'right' | 'random' = 'right', foreign = 0): EmbeddedDataset {
  const random = createRandom(seed)
  const vectors = (rows: number) => Float32Array.from({ length: rows * D }, () => random.normal())
  const corpus = createRandom(1)
  const docs = matrix(
    DOCUMENTS,
    D,
    Float32Array.from({ length: DOCUMENTS * D }, () => corpus.normal()),
  )
  const wordsOf = (document: number) => [0, 1, 2].map(i => `w${document}x${i}`)
  const foreignWords = () => Array.from({ length: foreign }, () => wordsOf(random.int(DOCUMENTS))[0]).join(' ')
  const asked = Array.from({ length: queries }, () => random.int(DOCUMENTS))
  const relevant = labels === 'right' ? asked : asked.map(() => random.int(DOCUMENTS))
  return {
    ...embedded({
      queries: matrix(queries, D, vectors(queries)),
      docs,
      positives: relevant.map(document => [document]),
    }),
    queryTexts: asked.map(
      document => `${wordsOf(document)[random.int(3)]} and the ${wordsOf(document)[random.int(3)]} ${foreignWords()}`,
    ),
    docTexts: Array.from({ length: DOCUMENTS }, (_, i) => wordsOf(i).join(' ')),
  }
}

/** One point of the search, which is not what is tested here. */
const TRAIN = { engine: 'js', seed: 5, negatives: 'positives', scale: 10, pull: 100 } as const

const run = (train: EmbeddedDataset, held: EmbeddedDataset, options: TrainingOptions = {}) =>
  trainOnEmbedded(partsFromVectors({ train, test: { ...held, docs: train.docs } }), {
    textTerms: 'auto',
    ...options,
    train: { ...TRAIN, ...options.train },
  })

describe('training with text terms', () => {
  test('chooses them where the words of the query hold what its vector misses', async () => {
    const { adapter, report } = await run(wordyData(4, 120), wordyData(3, 60))
    expect(report.gate).toMatchObject({ kept: true, passed: true })
    expect(report.terms).toMatchObject({ source: adapter.terms?.source, ownCorpus: [] })
    expect(report.terms!.gain.gain).toBeGreaterThan(0.3)
    expect(report.metrics!.adapted['ndcg@10']).toBeGreaterThan(report.metrics!.base['ndcg@10'] + 0.3)
    // Labels teach a map nothing here: the proof tells the two apart, and the file what is left without the text.
    expect(report.terms!.linear.gain).toBeLessThan(report.terms!.gain.gain / 3)
    expect(report.linearPart!.metrics.adapted['ndcg@10']).toBeLessThan(report.metrics!.adapted['ndcg@10'] - 0.3)
    expect(adapter.terms?.linear).toEqual(report.linearPart!.metrics.adapted)
    expect(adapter.terms?.corpus.documents).toBe(DOCUMENTS)
    const q = new Float32Array(D).fill(1)
    expect(norm(applyAdapter(adapter, q, 'w3x1'))).toBeCloseTo(1, 6)
  })

  test('proves them without a linear map as surely, however many points the search for one has tried', async () => {
    const gateOf = async (pull?: number) => {
      const some = [wordyData(2, 16, 'right', 24), wordyData(3, 60, 'right', 24)] as const
      const { report } = await run(...some, { train: { pull } })
      expect(report.tune!.tried.length > 1).toBe(pull === undefined)
      expect(report.terms).toMatchObject({ source: 'feedback', linear: { kept: false } })
      return report.gate
    }
    const [one, many] = [await gateOf(100), await gateOf()]
    expect(one).toMatchObject({ passed: true })
    expect(many).toEqual(one)
  })

  test('takes the source that is asked for', async () => {
    for (const source of ['words', 'feedback'] as const) {
      const { adapter } = await run(wordyData(4, 120), wordyData(3, 60), { textTerms: source })
      expect(adapter.terms?.source).toBe(source)
    }
  })

  test('leaves them out where they do not help, and the identity where nothing does', async () => {
    const { adapter, report } = await run(wordyData(4, 120, 'random'), wordyData(3, 60))
    expect(adapter.terms).toBeUndefined()
    expect(report.gate?.kept).toBe(false)
    expect(report.terms).toBeDefined()
    expect(report.terms!.source).toBeUndefined()
  })

  test('does not try them without texts, or if they are off', async () => {
    const { queryTexts: _q, docTexts: _d, ...without } = wordyData(4, 120)
    expect((await run(without, wordyData(3, 60))).report.terms).toBeUndefined()
    expect((await run(wordyData(4, 120), wordyData(3, 60), { textTerms: 'off' })).report.terms).toBeUndefined()
  })

  test('does not try feedback that has no room', async () => {
    const { report } = await run(wordyData(4, 120), wordyData(3, 60), { termBytes: 1000 })
    expect(report.terms).toMatchObject({ source: 'words', note: expect.stringContaining('feedback was not tried') })
  })

  test('measures a test set with a corpus of its own with terms of that corpus', async () => {
    const other = wordyData(3, 60)
    const docTexts = other.docTexts!.map(text => text!.replaceAll('w', 'v'))
    const held = { ...other, docTexts, queryTexts: other.queryTexts!.map(text => text!.replaceAll('w', 'v')) }
    const parts = partsFromVectors({
      train: wordyData(4, 120),
      test: { ...held, docs: matrix(DOCUMENTS, D, held.docs.data.slice()) },
    })
    const { adapter, report } = await trainOnEmbedded(parts, { textTerms: 'words', train: TRAIN })
    expect(report.terms).toMatchObject({ ownCorpus: ['test'], corpus: { documents: 2 * DOCUMENTS } })
    expect(adapter.terms?.corpus.documents).toBe(2 * DOCUMENTS)
    expect(report.metrics!.adapted['ndcg@10']).toBeGreaterThan(report.metrics!.base['ndcg@10'] + 0.3)
  })

  test('gives equal results for equal seeds', async () => {
    const [a, b] = [await run(wordyData(4, 120), wordyData(3, 60)), await run(wordyData(4, 120), wordyData(3, 60))]
    expect(a.report.metrics).toEqual(b.report.metrics)
    const q = row(matrix(1, D, new Float32Array(D).fill(0.3)), 0)
    expect([...applyAdapter(a.adapter, q, 'w3x1')]).toEqual([...applyAdapter(b.adapter, q, 'w3x1')])
  })
})
