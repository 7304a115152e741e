import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { checkLeaks, checkPartsForLeaks, findLeaks, type Leak } from '../../src/dataset/leaks.js'
import { splitDisjoint } from '../../src/dataset/split-disjoint.js'
import { createRandom } from '../../src/math/random.js'
import { failure } from './temporary-folder.js'

type Judged = Record<string, number>

function dataset(name: string, queries: [string, string, Judged][], corpus: Record<string, string>): QADataset {
  return {
    name,
    queries: new Map(queries.map(([id, text]) => [id, text])),
    corpus: new Map(Object.entries(corpus)),
    qrels: new Map(queries.map(([id, , judged]) => [id, new Map(Object.entries(judged))])),
  }
}

const passage =
  'The annual report of the company describes its segments, the revenue of each of them and how both changed over the year.'
const train = dataset(
  'train',
  [
    ['q1', 'What changed?', { d1: 1, d2: 0 }],
    ['q2', 'Why?', { d3: 1 }],
  ],
  { d1: passage, d2: 'a hard negative', d3: 'three', d4: 'only a distractor' },
)
const brief = (leaks: readonly Leak[]) => leaks.map(({ kind, train: t, heldOut, match }) => [kind, t, heldOut, match])

describe('findLeaks', () => {
  it('finds queries of the same text, and relevant documents of the same id, text or nearly so', () => {
    const test = dataset(
      'test',
      [
        ['x1', 'what CHANGED', { e1: 1 }],
        ['x2', 'new', { e2: 2, d3: 1, d1: 1 }],
      ],
      { e1: passage.replace('annual', 'yearly'), e2: ` ${passage.toUpperCase()}`, d3: 'another three', d1: passage },
    )
    expect(brief(findLeaks(train, test))).toEqual([
      ['query', 'q1', 'x1', 'text'],
      ['document', 'd1', 'e1', 'near'],
      ['document', 'd1', 'e2', 'text'],
      ['document', 'd1', 'd1', 'text'],
      ['document', 'd3', 'd3', 'id'],
    ])
    expect(brief(findLeaks(train, test, { ids: false })).at(-1)).toEqual(['document', 'd1', 'd1', 'text'])
    expect(brief(findLeaks(train, test, { documents: 'none' }))).toEqual([['query', 'q1', 'x1', 'text']])
  })

  it('takes a corpus that both search for no leak', () => {
    const test = dataset('test', [['x1', 'new', { d4: 1, d1: 0 }]], Object.fromEntries(train.corpus))
    expect(findLeaks(train, test)).toEqual([])
  })
})

describe('checkLeaks', () => {
  it('refuses a planted leak and names the ids', async () => {
    const test = dataset(
      'test',
      [
        ['x1', 'why', { e1: 1 }],
        ['x2', 'new', { e2: 1 }],
      ],
      { e1: 'unknown', e2: passage.replace('annual', 'yearly') },
    )
    const error = await failure(() => checkLeaks(train, test), 'DATASET_LEAK')
    expect(error.message).toBe(
      'test shares 1 query and 1 document with train: query "x1" has the text of "q2"; ' +
        'document "e2" is near-identical to "d1" (88 %). ' +
        'Leave them out of one of the two, or split again so that they stay together.',
    )
    expect(error.details.leaks).toHaveLength(2)
  })

  it('names a few of many, and passes where there is none', async () => {
    const many = (prefix: string) =>
      dataset(
        prefix,
        Array.from({ length: 9 }, (_, i) => [`${prefix}${i}`, `query ${i}`, { d: 1 }] as [string, string, Judged]),
        { d: prefix },
      )
    const { message } = await failure(() => checkLeaks(many('a'), many('b'), { ids: false }), 'DATASET_LEAK')
    expect(message).toContain('b shares 9 queries with a: query "b0" has the text of "a0"; ')
    expect(message).toContain('; and 4 more. Leave')
    checkLeaks(train, many('c'))
  })
})

describe('checkPartsForLeaks', () => {
  const validation = dataset('validation', [['v', 'first', { d: 1 }]], { d: 'of validation' })
  const test = (query: string, text: string) => dataset('test', [['v', query, { d: 1 }]], { d: text })
  const refusal = async (part: QADataset) =>
    (await failure(() => checkPartsForLeaks({ train, validation, test: part }), 'DATASET_LEAK')).message

  it('names the two parts that share something, also where ids of the held-out parts are the same', async () => {
    expect(await refusal(test('why?', 'of test'))).toContain('test shares 1 query with train: query "v" has the text of "q2"')
    expect(await refusal(test('other', passage))).toContain('test shares 1 document with train: document "d" has')
    expect(await refusal(test('FIRST', 'of test'))).toContain('test shares 1 query and 1 document with validation')
    expect(await refusal(test('other', 'of test'))).toContain(
      'with validation: query "v" is in both, with different texts; document "d" is in both',
    )
  })

  it('passes parts that share nothing, and training data alone', () => {
    const other = dataset('test', [['t', 'other', { e: 1 }]], { e: 'of test' })
    checkPartsForLeaks({ train, validation, test: other })
    checkPartsForLeaks({ train, test: other })
    checkPartsForLeaks({ train })
  })
})

describe('splitDisjoint', () => {
  const random = createRandom(3)
  const text = (n: number) => Array.from({ length: n }, () => `w${random.int(3000)}`).join(' ')
  /** 40 files of 5 chunks; chunk 0 of a file 2i + 1 is nearly that of file 2i; the last chunk has no query. */
  const files = 40
  const corpus: Record<string, string> = {}
  const queries: [string, string, Judged][] = []
  for (let file = 0; file < files; file++) {
    for (let chunk = 0; chunk < 5; chunk++) {
      const id = `${file}#${chunk}`
      const twin = chunk === 0 && file % 2 === 1 ? corpus[`${file - 1}#0`].replace(/^\S+/, 'edited') : undefined
      corpus[id] = twin ?? text(40)
      if (chunk < 4) queries.push([`q${id}`, `about ${text(3)}`, { [id]: 1 }])
    }
  }
  const all = dataset('chunks', queries, corpus)
  const groupOf = (id: string) => id.split('#')[0]
  const options = { groupOf, fractions: { validation: 0.1, test: 0.2 }, seed: 5 }

  it('keeps the queries of a group and of near-identical documents together, and gives each part the whole corpus', () => {
    const split = splitDisjoint(all, options)
    const parts = [split.train, split.validation!, split.test!]
    const sizes = parts.map(part => part.queries.size)
    expect(sizes.reduce((a, b) => a + b)).toBe(160)
    expect(sizes[1]).toBeGreaterThanOrEqual(8)
    expect(sizes[2]).toBeGreaterThanOrEqual(16)
    const pairOf = (id: string) => Math.floor(Number(groupOf(id)) / 2)
    const sides = parts.map(part => new Set([...part.qrels.values()].flatMap(judged => [...judged.keys()].map(pairOf))))
    expect(sides.reduce((sum, side) => sum + side.size, 0)).toBe(20)
    for (const part of parts) {
      expect(part.corpus).toBe(all.corpus)
      for (const query of part.qrels.keys()) expect(part.queries.get(query)).toBe(all.queries.get(query))
    }
    checkPartsForLeaks(split)
  })

  it('is the same for equal content and seed, whatever the order', () => {
    const reversed = <T>(map: ReadonlyMap<string, T>) => new Map([...map].reverse())
    const other = { ...all, queries: reversed(all.queries), corpus: reversed(all.corpus), qrels: reversed(all.qrels) }
    const ids = (data: QADataset, seed: number) => [...splitDisjoint(data, { ...options, seed }).test!.queries.keys()].sort()
    expect(ids(other, 5)).toEqual(ids(all, 5))
    expect(ids(all, 6)).not.toEqual(ids(all, 5))
  })

  it('keeps near-identical queries together, whether split by document or by query', () => {
    const asked: [string, string, Judged][] = Array.from({ length: 100 }, (_, i) => [
      `q${i}`,
      // q0 and q1, q2 and q3, ... differ in the mark at their end alone.
      `question ${i >> 1}${i % 2 ? '?' : ''}`,
      { [`d${i}`]: 1, [`d${(i + 50) % 100}`]: 0 },
    ])
    const documents = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i}`, `document ${i}`]))
    const data = dataset('set', asked, documents)
    for (const by of ['document', 'query'] as const) {
      const { train: rest, test: held } = splitDisjoint(data, { by, fractions: { test: 0.2 }, seed: 1 })
      expect(rest.queries.size + held!.queries.size).toBe(100)
      expect([rest.corpus.size, held!.corpus.size]).toEqual([300, 300])
      expect([...held!.queries].every(([id, text]) => data.queries.get(id) === text)).toBe(true)
      checkLeaks(rest, held!)
    }
  })

  it.each([['document'], ['query']] as const)('by %s a query keeps its part as the log grows', by => {
    const grown = (n: number) => {
      const asked = Array.from({ length: n }, (_, i): [string, string, Judged] => [
        `q${i}`,
        `what is thing ${i}`,
        { [`d${(i * 7) % Math.ceil(n / 3)}`]: 1 },
      ])
      return dataset('log', asked, Object.fromEntries(Array.from({ length: n }, (_, i) => [`d${i}`, `entry ${i}`])))
    }
    const partOf = (data: QADataset) => {
      const split = splitDisjoint(data, { by, fractions: { validation: 0.1, test: 0.2 }, seed: 3 })
      return new Map(
        (['train', 'validation', 'test'] as const).flatMap(part => [...split[part]!.queries.keys()].map(id => [id, part])),
      )
    }
    const old = grown(300)
    const added = dataset(
      'log',
      [
        ...[...old.queries].map(([id, t]): [string, string, Judged] => [id, t, Object.fromEntries(old.qrels.get(id)!)]),
        ...Array.from({ length: 200 }, (_, i): [string, string, Judged] => [`n${i}`, `new ${i}`, { [`d${i % 150}`]: 1 }]),
      ],
      Object.fromEntries(old.corpus),
    )
    const [before, after] = [partOf(old), partOf(added)]
    for (const [id, part] of before) expect(after.get(id)).toBe(part)
  })

  describe('by time', () => {
    const timed = (times: readonly number[], texts = times.map((_, i) => `query ${i}`)): QADataset => ({
      ...dataset(
        'log',
        texts.map((query, i): [string, string, Judged] => [`q${i}`, query, { [`d${i % 5}`]: 1 }]),
        Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`d${i}`, `document ${i}`])),
      ),
      times: new Map(times.map((time, i) => [`q${i}`, time])),
    })
    const shares = { by: 'time', fractions: { validation: 0.1, test: 0.2 }, seed: 1 } as const
    const ids = (part?: QADataset) => [...part!.queries.keys()].map(id => Number(id.slice(1)))

    it('trains on the past and judges on the latest', () => {
      const split = splitDisjoint(timed(Array.from({ length: 50 }, (_, i) => i)), shares)
      expect(ids(split.test)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49])
      expect(ids(split.validation)).toEqual([35, 36, 37, 38, 39])
      expect(split.train.queries.size).toBe(35)
      expect(split.test!.corpus.size).toBe(5)
    })

    it('puts a late query that is an early one but for its mark into the past', () => {
      const texts = Array.from({ length: 20 }, (_, i) => (i === 19 ? 'query 0?' : `query ${i}`))
      const split = splitDisjoint(timed([...texts.keys()], texts), shares)
      expect(ids(split.train)).toContain(19)
      expect(ids(split.test)).toEqual([15, 16, 17, 18])
    })

    it('says what is missing where queries have no time', async () => {
      const { times: _, ...data } = timed(Array.from({ length: 20 }, (_, i) => i))
      const { message } = await failure(() => splitDisjoint(data, shares), 'DATASET_SPLIT')
      expect(message).toBe(
        'cannot split log: 20 of its 20 queries have no time, expected a search log with "time" in every entry. Split by document or by query.',
      )
    })
  })

  it('says why one file alone cannot be divided', async () => {
    const { message } = await failure(() => splitDisjoint(all, { ...options, groupOf: () => 'one.pdf' }), 'DATASET_SPLIT')
    expect(message).toContain('up to 160 of its 160 queries have documents of one group, directly or through one another')
  })
})
