import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import type { QADataset } from '../../src/dataset/dataset.js'
import { embedDataset } from '../../src/embed/embed-dataset.js'
import type { EmbedProgress } from '../../src/embed/run-embedding.js'
import { row } from '../../src/math/matrix.js'
import { isInMemory, toMatrix } from '../../src/math/row-source.js'
import { temporaryFolder } from '../dataset/temporary-folder.js'
import { fakeProvider, requestError, vectorOf } from './fake-provider.js'

const map = <V>(object: Record<string, V>): Map<string, V> => new Map(Object.entries(object))

function dataset(
  name: string,
  queries: Record<string, string>,
  corpus: Record<string, string>,
  qrels: Record<string, Record<string, number>> = {},
): QADataset {
  const grades = Object.entries(qrels).map(([id, g]): [string, Map<string, number>] => [id, map(g)])
  return { name, queries: map(queries), corpus: map(corpus), qrels: new Map(grades) }
}

const corpus = { d1: 'one', d2: 'two words', d3: 'one', d4: 'three more words' }
const train = dataset('train', { q1: 'first q', q2: 'q' }, corpus, { q1: { d2: 2, d1: 0, d4: 1 }, q2: { d3: -1 } })
const test = dataset('test', { q3: 'q', q4: 'other' }, { ...corpus }, { q3: { d4: 1 } })

describe('embedDataset', () => {
  it('gives ids, vectors, positive rows and groups of equal texts in the order of the data set', async () => {
    const { datasets, stats } = await embedDataset(fakeProvider(), [train])
    expect(datasets).toHaveLength(1)
    const [embedded] = datasets
    expect(embedded.baseId).toBe('fake/model')
    expect(embedded.queryIds).toEqual(['q1', 'q2'])
    expect(embedded.docIds).toEqual(['d1', 'd2', 'd3', 'd4'])
    expect([embedded.queries.rows, embedded.queries.cols, embedded.docs.rows, embedded.docs.cols]).toEqual([2, 3, 4, 3])
    expect(row(embedded.queries, 0)).toEqual(vectorOf('first q', 'query'))
    expect(row(embedded.docs, 2)).toEqual(vectorOf('one'))
    expect(row(embedded.docs, 3)).toEqual(vectorOf('three more words'))
    expect(embedded.positives).toEqual([
      new Map([
        [1, 2],
        [3, 1],
      ]),
      new Map(),
    ])
    expect(embedded.judgedNegatives).toEqual([[0], [2]])
    expect(embedded.docTextGroup).toEqual(Uint32Array.of(0, 1, 0, 2))
    expect(stats).toEqual({ texts: 6, unique: 5, hits: 0, misses: 5, requests: 3, retries: 0, tokens: 9 })
  })

  it('embeds what data sets share once and gives them the same matrix of documents', async () => {
    const provider = fakeProvider()
    const { datasets } = await embedDataset(provider, [train, test])
    expect(datasets[1].docs).toBe(datasets[0].docs)
    expect(datasets[1].docTextGroup).toBe(datasets[0].docTextGroup)
    expect(provider.calls.flatMap(c => c.texts).sort()).toEqual(
      ['first q', 'one', 'other', 'q', 'three more words', 'two words'].sort(),
    )
    expect(datasets.map(d => d.queries.rows)).toEqual([2, 2])
    expect(row(datasets[1].queries, 0)).toEqual(vectorOf('q', 'query'))
    expect(row(datasets[1].queries, 1)).toEqual(vectorOf('other', 'query'))
    expect(datasets[1].positives).toEqual([new Map([[3, 1]]), new Map()])
    expect('judgedNegatives' in datasets[1]).toBe(false)
  })

  it('keeps corpora apart that differ in a text, an id or the order, and embeds their shared texts once', async () => {
    const others: Record<string, string>[] = [
      { ...corpus, d4: 'changed' },
      { d1: 'one', d2: 'two words', d3: 'one', d5: 'three more words' },
      { d4: 'three more words', d1: 'one', d2: 'two words', d3: 'one' },
      { d1: 'one' },
    ]
    const provider = fakeProvider()
    const { datasets } = await embedDataset(provider, [train, ...others.map((c, i) => dataset(`${i}`, { q: 'q' }, c))])
    expect(new Set(datasets.map(d => d.docs)).size).toBe(5)
    for (const [i, texts] of [corpus, ...others].entries()) {
      expect(datasets[i].docIds).toEqual(Object.keys(texts))
      expect(datasets[i].docs.rows).toBe(datasets[i].docIds.length)
      Object.values(texts).forEach((text, j) => {
        expect(row(datasets[i].docs, j)).toEqual(vectorOf(text))
      })
    }
    expect(provider.calls.filter(c => c.role === 'document').flatMap(c => c.texts)).toHaveLength(4)
  })

  it('gives the same from a cache without a request', async () => {
    const cache = memoryCache()
    const first = await embedDataset(fakeProvider(), [train, test], { cache })
    const provider = fakeProvider()
    const second = await embedDataset(provider, [train, test], { cache })
    expect(provider.calls).toEqual([])
    expect(second.datasets).toEqual(first.datasets)
    expect(second.stats).toMatchObject({ texts: 8, unique: 6, hits: 6, misses: 0 })
  })

  it('counts queries and documents in one progress', async () => {
    const cache = memoryCache()
    await embedDataset(fakeProvider(), [dataset('part', { q: 'q' }, { d: 'one' })], { cache })
    const progress: EmbedProgress[] = []
    await embedDataset(fakeProvider(), [train], { cache, onProgress: p => progress.push(p) })
    expect(progress.map(({ elapsedMs, ...p }) => p)).toEqual([
      { done: 2, total: 5, hits: 2, tokens: 0, requests: 0 },
      { done: 3, total: 5, hits: 2, tokens: 2, requests: 1 },
      { done: 3, total: 5, hits: 2, tokens: 2, requests: 1 },
      { done: 5, total: 5, hits: 2, tokens: 7, requests: 2 },
    ])
  })

  it('finds a document that cannot be embedded before the queries are paid for, and names it', async () => {
    const provider = fakeProvider({ limits: { maxInputTokens: 3 } })
    const bad = dataset('test.jsonl', { q: 'q' }, { 'kb-017': 'far too many words' })
    await expect(embedDataset(provider, [train, bad])).rejects.toMatchObject({
      code: 'PROVIDER_INPUT',
      message: expect.stringContaining('document kb-017 of test.jsonl'),
    })
    expect(provider.calls).toEqual([])
  })

  it('names a query that cannot be embedded', async () => {
    const bad = dataset('test.jsonl', { q9: ' ' }, corpus)
    await expect(embedDataset(fakeProvider(), [train, bad])).rejects.toThrow('query q9 of test.jsonl')
  })

  it('refuses a judgement of a document that is not there, but not one of grade 0', async () => {
    const provider = fakeProvider()
    const bad = dataset('bad', { q: 'q' }, corpus, { q: { gone: 1 } })
    await expect(embedDataset(provider, [bad])).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/bad judges document gone for query q/),
    })
    expect(provider.calls).toEqual([])
    const harmless = dataset('fine', { q: 'q' }, corpus, { q: { gone: 0 }, 'no-such-query': { gone: 1 } })
    expect((await embedDataset(provider, [harmless])).datasets[0].positives).toEqual([new Map()])
  })

  it('gives empty matrices of the right width for empty parts', async () => {
    const { datasets } = await embedDataset(fakeProvider(), [dataset('none', {}, corpus), dataset('nothing', {}, {})])
    expect(datasets.map(d => [d.queries.rows, d.queries.cols, d.docs.rows, d.docs.cols])).toEqual([
      [0, 3, 4, 3],
      [0, 3, 0, 3],
    ])
    expect(await embedDataset(fakeProvider(), [])).toMatchObject({ datasets: [], stats: { texts: 0 } })
  })

  it('refuses a model that gives queries and documents vectors of different lengths', async () => {
    const provider = fakeProvider({
      script: (_, call) => (call.role === 'query' ? call.texts.map(() => Float32Array.of(1)) : undefined),
    })
    await expect(embedDataset(provider, [train])).rejects.toThrow(/queries 1 values and documents 3/)
  })

  it('sums retries over both roles', async () => {
    const provider = fakeProvider({
      script: n => {
        if (n === 1 || n === 3) throw requestError(true)
        return undefined
      },
    })
    const { stats } = await embedDataset(provider, [train], { sleep: async () => {} })
    expect(stats).toMatchObject({ requests: 5, retries: 2 })
  })
})

describe.runIf(process.platform === 'linux')('embedDataset with memory', () => {
  /** Files of the folder that are open, deleted ones too. */
  const openIn = (folder: string) =>
    readdirSync('/proc/self/fd').filter(fd => {
      try {
        return readlinkSync(join('/proc/self/fd', fd)).startsWith(folder)
      } catch {
        return false
      }
    }).length

  it('keeps more vectors than that on disk, the same vectors, also out of the cache', async () => {
    const expected = await embedDataset(fakeProvider(), [train, test])
    const folder = temporaryFolder()
    const cache = memoryCache()
    for (const cached of [false, true]) {
      const { datasets, stats, close } = await embedDataset(fakeProvider(), [train, test], {
        cache,
        memory: 95,
        spillFolder: folder,
      })
      expect(stats.hits).toBe(cached ? stats.unique : 0)
      expect(datasets.some(({ queries, docs }) => isInMemory(queries) || isInMemory(docs))).toBe(false)
      expect(datasets[1].docs).toBe(datasets[0].docs)
      expect(datasets.map(d => ({ ...d, queries: toMatrix(d.queries), docs: toMatrix(d.docs) }))).toEqual(expected.datasets)
      expect([readdirSync(folder), openIn(folder)]).toEqual([[], 2])
      close()
      expect(openIn(folder)).toBe(0)
    }
  })

  it('keeps them in memory where they fit: 8 rows of 3 values', async () => {
    const { datasets, close } = await embedDataset(fakeProvider(), [train, test], { memory: 96 })
    expect(datasets).toEqual((await embedDataset(fakeProvider(), [train, test])).datasets)
    close()
  })

  it('gives the disk space back when embedding fails', async () => {
    const folder = temporaryFolder()
    const provider = fakeProvider({
      script: n => {
        if (n === 3) throw requestError(false)
        return undefined
      },
    })
    const options = { memory: 1, spillFolder: folder }
    await expect(embedDataset(provider, [train], options)).rejects.toMatchObject({ code: 'PROVIDER_REQUEST' })
    expect([readdirSync(folder), openIn(folder)]).toEqual([[], 0])
  })
})
