import { describe, expect, test } from 'vitest'
import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import { createJsEngine } from '../../src/engines/js.js'
import { matrix, row } from '../../src/math/matrix.js'
import { createRandom } from '../../src/math/random.js'
import { type Rows, rowSource } from '../../src/math/row-source.js'
import { mean } from '../../src/math/statistics/moments.js'
import { gate } from '../../src/train/gate.js'
import { joinQueries, onSample, sampleDataset } from '../../src/train/tune/sample.js'
import { createSearch } from '../../src/train/tune/search.js'
import { embedded } from '../helpers/embedded.js'
import { type TuneOptions, tune } from '../helpers/tune.js'

const D = 8
const DOCS = 80
const LABELLED = 16

/** Queries of the documents `from` to `to`: the document with its coordinates moved on by `turn` and mirrored, and noise. */
function asked(docs: EmbeddedDataset['docs'], from: number, to: number, { turn, noise, seed }: Turn): EmbeddedDataset {
  const random = createRandom(seed)
  const n = to - from
  const queries = matrix(n, D)
  for (let i = 0; i < n; i++) {
    const d = row(docs, from + i)
    for (let j = 0; j < D; j++) queries.data[i * D + j] = noise * random.normal() - d[(j + turn) % D]
  }
  return embedded({ queries, docs, positives: Array.from({ length: n }, (_, i) => [from + i]) })
}

interface Turn {
  readonly turn: number
  readonly noise: number
  readonly seed: number
}

const random = createRandom(7)
const docs = matrix(
  DOCS,
  D,
  Float32Array.from({ length: DOCS * D }, () => random.normal()),
)
/** Too few labelled queries to learn a turn of 8 dimensions from. */
const train = asked(docs, 0, LABELLED, { turn: 1, noise: 0.4, seed: 1 })
const weights = new Float32Array(DOCS - LABELLED).fill(0.5)
const alike = { ...asked(docs, LABELLED, DOCS, { turn: 1, noise: 0.4, seed: 2 }), weights }
/** They teach another turn. */
const contrary = { ...asked(docs, LABELLED, DOCS, { turn: 5, noise: 0.4, seed: 2 }), weights }

const search = (pseudo: EmbeddedDataset | undefined, options: Partial<TuneOptions> = {}) =>
  tune(createJsEngine(), train, {
    seed: 1,
    metric: 'ndcg@10',
    budget: 600,
    pseudo,
    fixed: { negatives: 'corpus', scale: 6, pull: 1, learningRate: 0.05 } as const,
    ...options,
  })

describe('pseudo-queries in the search', () => {
  test('are chosen where they teach what the labelled queries ask, and measured on those alone', async () => {
    const [without, found] = [await search(undefined), await search(alike)]
    expect(found.chosen).toEqual({ ...without.chosen, pseudo: true })
    expect(mean(found.adapted)).toBeGreaterThan(mean(without.adapted) + 0.1)
    expect(found.adapted).toHaveLength(LABELLED)
    expect(found.base).toEqual(without.base)
    expect(found).toMatchObject({ queries: LABELLED, pairs: LABELLED, documents: DOCS })
  })

  test('are not chosen where they teach something else', async () => {
    const [without, found] = [await search(undefined), await search(contrary)]
    expect(found.chosen).toEqual(without.chosen)
    expect(found.adapted).toEqual(without.adapted)
    // The gate hears of them all the same.
    expect(found.tried.map(({ pseudo }) => pseudo)).toEqual([undefined, true])
    expect(found.others).toHaveLength(1)
  })

  test('climb along the pulls by themselves, and give the same twice', async () => {
    const fixed = { negatives: 'corpus', scale: 6, epochs: 10 } as const
    const [{ seconds: _, ...a }, { seconds: __, ...b }] = [await search(alike, { fixed }), await search(alike, { fixed })]
    expect(a).toEqual(b)
    expect(a.tried.filter(({ pseudo }) => pseudo).length).toBeGreaterThan(1)
    expect(a.others).toHaveLength(a.tried.length - 1)
  })

  test('are tried with a closed form, too', async () => {
    const { tried } = await search(alike, { fixed: { kind: 'ridge', pull: 30 } })
    expect(tried.map(({ pull, pseudo }) => [pull, pseudo])).toEqual([
      [30, undefined],
      [30, true],
    ])
    expect(tried[1].score).not.toBe(tried[0].score)
  })

  test('count in the time that the search takes', async () => {
    const options = { fixed: { pull: 10, negatives: 'corpus', scale: 6 } as const, budget: 1e-9 }
    expect((await search(alike, options)).cut).toMatch(/^cross-validation was cut to 8 instead of 20 epochs/)
  })
})

test('of 20 sets of noise with 50 pairs the gate lets one through at the most, sentences of the documents or not', async () => {
  const engine = createJsEngine()
  const [kept, used] = [[] as number[], [] as number[]]
  for (let seed = 0; seed < 20; seed++) {
    const random = createRandom(2000 + seed)
    const vectors = (n: number) =>
      matrix(
        n,
        16,
        Float32Array.from({ length: n * 16 }, () => random.normal()),
      )
    const [queries, docs, noise] = [vectors(50), vectors(60), vectors(60)]
    const data = embedded({ queries, docs, positives: Array.from({ length: 50 }, () => [random.int(60)]) })
    const near = matrix(
      60,
      16,
      noise.data.map((value, k) => value + docs.data[k]),
    )
    const pseudo = embedded({ queries: near, docs, positives: Array.from({ length: 60 }, (_, i) => [i]) })
    const fixed = { negatives: 'positives', scale: 5, epochs: 5 } as const
    const found = await tune(engine, data, { seed, metric: 'ndcg@10', budget: 600, pseudo, fixed })
    if (found.chosen.pseudo) used.push(seed)
    if (gate(found, undefined, { metric: 'ndcg@10', seed }).kept) kept.push(seed)
  }
  expect(kept.length).toBeLessThanOrEqual(1)
  // Chance alone has them win now and then.
  expect(used.length).toBeGreaterThan(0)
})

describe('a sample', () => {
  const outside = { ...train, docs: rowSource(docs), queries: rowSource(train.queries) }

  test('keeps their documents as far as there is room, and moves them to its rows', async () => {
    const some = { ...asked(docs, 40, 60, { turn: 1, noise: 0.1, seed: 3 }), weights: new Float32Array(20).fill(0.25) }
    const keep = some.positives.flatMap(positives => [...positives.keys()])
    const sample = sampleDataset(outside, { queries: LABELLED, documents: 40, seed: 1, keep })
    expect(sample.docIds).toHaveLength(40)
    const moved = onSample(some, sample)
    expect(moved.queryIds).toEqual(some.queryIds)
    expect(moved.docs).toBe(sample.docs)
    expect(moved.weights).toEqual(some.weights)
    moved.positives.forEach((positives, i) => {
      expect([...positives.keys()].map(document => sample.docIds[document])).toEqual([`doc${40 + i}`])
    })
    const search = await createSearch(createJsEngine(), train, { seed: 1, metric: 'mrr@10', budget: 600, pseudo: some })
    expect(search.pseudo!.queries.rows).toBe(20)
    await search.free()
  })

  test('leaves those out whose documents it has not', () => {
    const sample = sampleDataset(outside, { queries: LABELLED, documents: 22, seed: 1 })
    const moved = onSample(alike, sample)
    expect(moved.queries.rows).toBe(6)
    expect(moved.weights).toHaveLength(6)
    const names = moved.positives.flatMap(positives => [...positives.keys()].map(document => sample.docIds[document]))
    expect(names).toEqual(sample.docIds.filter(id => Number(id.slice(3)) >= LABELLED))
  })
})

test('joinQueries puts them behind the labelled queries, each with its weight, documents and judgements', () => {
  const data: EmbeddedDataset = {
    ...train,
    positives: train.positives.map((positives, i) => (i === 3 ? new Map() : positives)),
    judgedNegatives: train.positives.map((_, i) => [100 + i]),
  }
  const joined = joinQueries<Rows>({ ...data, docs: rowSource(docs) }, { ...alike, docs, queries: rowSource(alike.queries) })
  expect(joined.queryIds).toHaveLength(15 + 64)
  expect([...joined.weights]).toEqual([...new Array(15).fill(1), ...new Array(64).fill(0.5)])
  expect(row(joined.queries, 3)).toEqual(row(train.queries, 4))
  expect(row(joined.queries, 15)).toEqual(row(alike.queries, 0))
  expect(joined.positives[15]).toEqual(new Map([[16, 1]]))
  expect(joined.judgedNegatives!.slice(14, 16)).toEqual([[115], []])
})
