import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { type DatasetSplit, type SplitDatasetOptions, splitDataset } from '../../src/dataset/split.js'
import { failure } from './temporary-folder.js'

/** Query texts and the ids of their relevant documents. */
function dataset(queries: [string, string[]][], corpus: Record<string, string> = {}): QADataset {
  const ids = queries.map((_, i) => `q${i}`)
  return {
    name: 'set',
    queries: new Map(ids.map((id, i) => [id, queries[i][0]])),
    corpus: new Map(queries.flatMap(([, documents]) => documents.map(id => [id, corpus[id] ?? `text of ${id}`]))),
    qrels: new Map(ids.map((id, i) => [id, new Map(queries[i][1].map(document => [document, 1]))])),
  }
}

const distinct = (n: number): QADataset => dataset(Array.from({ length: n }, (_, i) => [`query ${i}`, [`d${i}`]]))
const ids = (part: QADataset | undefined): string[] => [...(part?.queries.keys() ?? [])]
const sizes = ({ train, validation, test }: DatasetSplit) => [train, validation, test].map(part => part?.queries.size)
const tenth = { fractions: { validation: 0.1, test: 0.2 }, seed: 1 } as const

describe('splitDataset', () => {
  it('gives each query to exactly one part, in about the sizes asked for, with all of the corpus', () => {
    const all = distinct(1000)
    const split = splitDataset(all, tenth)
    const [, validation, test] = sizes(split)
    expect(Math.abs(validation! - 100)).toBeLessThan(30)
    expect(Math.abs(test! - 200)).toBeLessThan(40)
    expect([...ids(split.train), ...ids(split.validation), ...ids(split.test)].sort()).toEqual(ids(all).sort())
    for (const part of [split.train, split.validation!, split.test!]) {
      expect(part.corpus).toBe(all.corpus)
      expect([...part.qrels.keys()]).toEqual(ids(part))
    }
    expect(split.test!.name).toBe('set (test)')
  })

  it('leaves out parts that are not asked for', () => {
    expect(splitDataset(distinct(10), { fractions: {}, seed: 1 })).toEqual({
      train: { ...distinct(10), name: 'set (train)' },
    })
    expect(Object.keys(splitDataset(distinct(10), { fractions: { validation: 0.2, test: 0 }, seed: 1 }))).toEqual([
      'train',
      'validation',
    ])
  })

  it.each([['query'], ['document']] as const)('by %s moves no query when queries are added', by => {
    const partOf = (data: QADataset) => {
      const split = splitDataset(data, { ...tenth, by })
      return new Map(Object.entries(split).flatMap(([part, { queries }]) => [...queries.keys()].map(id => [id, part])))
    }
    const [before, after] = [partOf(distinct(200)), partOf(distinct(2000))]
    expect(new Set(before.values())).toEqual(new Set(['train', 'validation', 'test']))
    for (const [id, part] of before) expect(after.get(id)).toBe(part)
  })

  it('gives a query the same part whatever its case, width and white space', () => {
    const all = distinct(100)
    const shouted = { ...all, queries: new Map([...all.queries].map(([id, text]) => [id, ` ${text.toUpperCase()}  `])) }
    expect(ids(splitDataset(shouted, tenth).test)).toEqual(ids(splitDataset(all, tenth).test))
  })

  it('keeps the test part when a validation part is asked for too, or a larger test part', () => {
    const test = ids(splitDataset(distinct(200), { fractions: { test: 0.1 }, seed: 1 }).test)
    expect(ids(splitDataset(distinct(200), { fractions: { test: 0.1, validation: 0.2 }, seed: 1 }).test)).toEqual(test)
    expect(ids(splitDataset(distinct(200), { fractions: { test: 0.2 }, seed: 1 }).test)).toEqual(expect.arrayContaining(test))
  })

  it('keeps the order of the data set in each part', () => {
    const order = ids(splitDataset(distinct(10), tenth).train)
    expect(order).toEqual([...order].sort())
  })

  it('is the same for the same seed and another for another, whatever the order of the queries', () => {
    const all = distinct(100)
    const reversed: QADataset = {
      ...all,
      queries: new Map([...all.queries].reverse()),
      qrels: new Map([...all.qrels].reverse()),
    }
    const test = (data: QADataset, seed: number) => ids(splitDataset(data, { ...tenth, seed }).test).sort()
    expect(test(reversed, 1)).toEqual(test(all, 1))
    expect(test(all, 2)).not.toEqual(test(all, 1))
  })

  it.each([['query'], ['document']] as const)(
    'by %s keeps queries with the same text on one side, whatever case and width',
    by => {
      const texts = (i: number) => [`Straße ${i}`, ` STRASSE   ${i}\n`, `ｓtrasse ${i}`]
      const all = dataset(
        Array.from({ length: 20 }, (_, i) => texts(i).map((text, j): [string, string[]] => [text, [`d${i}-${j}`]])).flat(),
      )
      for (let seed = 0; seed < 5; seed++) {
        const split = splitDataset(all, { by, fractions: { test: 0.3 }, seed })
        const sides = ids(split.test).map(id => Math.floor(Number(id.slice(1)) / 3))
        expect(new Set(sides).size * 3).toBe(sides.length)
        expect(sides.length).toBeGreaterThanOrEqual(9)
        expect(sides.length).toBeLessThanOrEqual(36)
      }
    },
  )

  it('by document keeps queries together that share documents, directly, through others, or by equal text', () => {
    const chain = (i: number): [string, string[]][] => [
      [`a${i}`, [`d${i}`]],
      [`b${i}`, [`d${i}`, `e${i}`]],
      [`c${i}`, [`f${i}`]],
    ]
    const texts = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        [`e${i}`, `Same ${i}`],
        [`f${i}`, `same  ${i}`],
      ]).flat(),
    )
    const all = dataset(Array.from({ length: 20 }, (_, i) => chain(i)).flat(), texts)
    for (let seed = 0; seed < 5; seed++) {
      const split = splitDataset(all, { by: 'document', fractions: { validation: 0.1, test: 0.2 }, seed })
      const group = (id: string) => Math.floor(Number(id.slice(1)) / 3)
      const [train, validation, test] = [split.train, split.validation, split.test].map(part => new Set(ids(part).map(group)))
      expect(train.size + validation.size + test.size).toBe(20)
    }
  })

  it('by query does not mind shared documents, nor does a document of grade 0 tie queries by document', () => {
    const all = dataset(Array.from({ length: 20 }, (_, i): [string, string[]] => [`query ${i}`, ['d']]))
    expect(splitDataset(all, tenth).test!.queries.size).toBeGreaterThanOrEqual(2)
    const judged = distinct(20)
    const qrels = new Map([...judged.qrels].map(([id, docs]) => [id, new Map([...docs, ['shared', 0]])]))
    const split = splitDataset({ ...judged, qrels }, { ...tenth, by: 'document' })
    expect(split.test!.queries.size).toBeGreaterThanOrEqual(2)
  })

  it('goes over what is asked for when that is nearer to it', () => {
    const all = dataset(Array.from({ length: 30 }, (_, i): [string, string[]] => [`query ${i}`, [`d${Math.floor(i / 5)}`]]))
    expect(sizes(splitDataset(all, { by: 'document', fractions: { test: 0.1 }, seed: 1 }))).toEqual([25, undefined, 5])
  })

  it('holds out at least two queries of a small data set', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { train, validation } = splitDataset(distinct(6), { fractions: { validation: 0.1 }, seed })
      expect(validation!.queries.size).toBeGreaterThanOrEqual(2)
      expect(train.queries.size).toBeGreaterThanOrEqual(3)
    }
  })
})

describe('splitDataset refuses', () => {
  it.each([
    [
      'too few queries',
      3,
      { test: 0.5 },
      '2 for test would leave 1 of its 3 queries for training, expected at least 2. Add queries',
    ],
    ['no queries', 0, { test: 0.5 }, 'would leave 0 of its 0 queries'],
    ['to train on too few', 10, { test: 0.9 }, '9 for test would leave 1 of its 10 queries for training, expected at least 2'],
    [
      'to train on less than half of what was asked for',
      6,
      { validation: 0.1, test: 0.1 },
      '2 for test and 2 for validation would leave 2 of its 6 queries for training, expected at least 3',
    ],
  ])('%s', async (_, size, fractions, message) => {
    const error = await failure(() => splitDataset(distinct(size), { fractions, seed: 1 }), 'DATASET_SPLIT')
    expect(error.message).toContain(message)
  })

  it('one group that holds nearly everything, and says what to do', async () => {
    const tied = Array.from({ length: 97 }, (_, i): [string, string[]] => [`query ${i}`, [`d${i}`, `d${i + 1}`]])
    const free = Array.from({ length: 3 }, (_, i): [string, string[]] => [`free ${i}`, [`e${i}`]])
    const error = await failure(
      () => splitDataset(dataset([...tied, ...free]), { by: 'document', fractions: { validation: 0.1 }, seed: 1 }),
      'DATASET_SPLIT',
    )
    expect(error.message).toBe(
      'cannot split set: the validation part would get 3 of the 10 queries asked for, because up to 97 of its 100 queries ' +
        'share documents, directly or through one another. Split by query, ask for other fractions, or give a held-out set of its own.',
    )
  })

  it('two groups of which one would have to be held out', async () => {
    const all = dataset(Array.from({ length: 100 }, (_, i): [string, string[]] => [`query ${i}`, [`d${i % 2}`]]))
    await failure(() => splitDataset(all, { by: 'document', fractions: { test: 0.1 }, seed: 1 }), 'DATASET_SPLIT')
  })

  it('queries that all have one text', async () => {
    const all = dataset(Array.from({ length: 10 }, (_, i): [string, string[]] => ['same', [`d${i}`]]))
    const { message } = await failure(() => splitDataset(all, tenth), 'DATASET_SPLIT')
    expect(message).toContain('up to 10 of its 10 queries have the same text')
  })

  it.each([
    [{ by: 'documents' }, 'expected "by" to be one of query, document, group, time, found documents'],
    [{ seed: 0.5 }, 'expected "seed" to be a whole number, found 0.5'],
    [{ fractions: { test: 1 } }, 'expected the fraction "test" to be from 0 to below 1, found 1'],
    [{ fractions: { validation: -0.1 } }, 'found -0.1'],
    [{ fractions: { validation: Number.NaN } }, 'found NaN'],
    [{ fractions: { validation: 0.5, test: 0.5 } }, 'the fraction "validation + test"'],
  ])('the wrong option %j', async (change, message) => {
    const options = { ...tenth, ...change } as SplitDatasetOptions
    expect((await failure(() => splitDataset(distinct(10), options), 'USAGE')).message).toContain(message)
  })
})
