import { describe, expect, test } from 'vitest'
import { checkLeaks } from '../../src/dataset/leaks.js'
import type { Chunk } from '../../src/documents/chunk.js'
import { chunkText } from '../../src/documents/chunk-documents.js'
import { assignParts } from '../../src/generate/assign-parts.js'
import { buildParts } from '../../src/generate/build-parts.js'
import { chunkOf, numberedChunks } from './chunks.js'

const TENTHS = { validation: 0.1, test: 0.1 }
const WORDS = 'anchor barley cobalt dragon ember falcon garnet hazel indigo jasper kelp lantern motor nettle opal pump'.split(' ')
/** Sentences that share no five words with one another. */
const prose = (sentences: number, from = 0) =>
  Array.from({ length: sentences }, (_, s) => {
    const word = (i: number) => `${WORDS[((from + s) * 7 + i * 3) % 16]}${(from + s) * 9 + i}`
    return `The ${Array.from({ length: 9 }, (_, i) => word(i)).join(' ')} holds.`
  }).join(' ')

const filesOf = (chunks: readonly Chunk[], partOf: ReadonlyMap<string, string>, part: string) =>
  new Set(chunks.filter(({ id }) => partOf.get(id) === part).map(({ source }) => source.file))
const sizes = (partOf: ReadonlyMap<string, string>) =>
  ['train', 'validation', 'test'].map(part => [...partOf.values()].filter(own => own === part).length)
const questionsFor = (chunks: readonly Chunk[]) =>
  chunks.map(({ id }, i) => ({ id: `q${i}`, text: `what about thing number ${i}`, chunk: id }))

describe('by document', () => {
  const chunks = numberedChunks(100, i => `${Math.floor(i / 5)}.md`)

  test('no document is in two parts, and the parts have their shares', () => {
    const { partOf, by, leftOut } = assignParts(chunks, TENTHS, 1)
    expect([by, leftOut]).toEqual(['document', []])
    const [train, ...held] = sizes(partOf)
    expect(train + held[0] + held[1]).toBe(100)
    for (const size of held) expect([5, 10, 15, 20]).toContain(size)
    const parts = ['train', 'validation', 'test'].map(part => filesOf(chunks, partOf, part))
    expect(new Set(parts.flatMap(files => [...files])).size).toBe(20)
  })

  test('the seed decides, and nothing else', () => {
    const held = (seed: number, list = chunks) => filesOf(list, assignParts(list, TENTHS, seed).partOf, 'test')
    expect(held(1)).toEqual(held(1))
    expect(held(1, [...chunks].reverse())).toEqual(held(1))
    const seeds = [1, 2, 3, 4, 5].map(seed => [...held(seed)].sort().join())
    expect(new Set(seeds).size).toBeGreaterThan(1)
  })

  test('training alone takes everything, near-identical texts too', () => {
    const { partOf, leftOut } = assignParts(chunks.slice(0, 2), { validation: 0, test: 0 }, 1)
    expect(sizes(partOf)).toEqual([2, 0, 0])
    expect(leftOut).toEqual([])
  })

  test('a chunk that is near-identical to one of another part is left out of the later part', () => {
    const own = Array.from({ length: 40 }, (_, i) => chunkOf(prose(6, i * 10), { file: `${Math.floor(i / 2)}.md` }))
    const copy = prose(6, 5000)
    const copies = Array.from({ length: 20 }, (_, i) => chunkOf(`${copy} Version ${i}.`, { file: `${i}.md` }))
    const all = [...own, ...copies]
    const assigned = assignParts(all, TENTHS, 3)
    const held = [...filesOf(all, assigned.partOf, 'validation'), ...filesOf(all, assigned.partOf, 'test')]
    expect(assigned.leftOut.map(({ chunk, reason }) => [chunk.source.file, reason]).sort()).toEqual(
      held.map(file => [file, 'near-identical']).sort(),
    )
    for (const { chunk, like } of assigned.leftOut) {
      expect(copies).toContain(chunk)
      expect(copies.map(({ id }) => id)).toContain(like)
      expect(assigned.chunks).not.toContain(chunk)
    }
    expect(() => buildParts(questionsFor(assigned.chunks), assigned)).not.toThrow()
  })
})

describe('in blocks, where there are too few documents', () => {
  test('one document is cut into consecutive parts that share no text', async () => {
    const chunks = await chunkText(prose(120), { maxTokens: 200, overlap: 60, file: 'a.md' })
    expect(chunks.length).toBeGreaterThan(25)
    const { partOf, by, leftOut, chunks: used } = assignParts(chunks, TENTHS, 1)
    expect(by).toBe('block')
    expect(leftOut.map(({ reason }) => reason)).toEqual(['overlap', 'overlap'])
    expect(used).toHaveLength(chunks.length - 2)
    const order = used.map(({ id }) => ['train', 'validation', 'test'].indexOf(partOf.get(id)!))
    expect(order).toEqual([...order].sort())
    const { parts } = buildParts(questionsFor(used), { corpus: chunks, partOf })
    const asked = (part: 'train' | 'validation' | 'test') => used.filter(({ id }) => partOf.get(id) === part)
    const sentences = (part: 'train' | 'validation' | 'test') =>
      new Set(asked(part).flatMap(({ text }) => text.match(/The [^.]+\./g)!))
    const [train, validation, held] = [sentences('train'), sentences('validation'), sentences('test')]
    expect([...validation, ...held].filter(sentence => train.has(sentence))).toEqual([])
    expect([...held].filter(sentence => validation.has(sentence))).toEqual([])
    for (const part of ['validation', 'test'] as const) expect(() => checkLeaks(parts.train, parts[part]!)).not.toThrow()
  })

  test('chunks without an overlap are all kept', () => {
    const chunks = numberedChunks(30, () => 'a.md')
    const { leftOut, partOf } = assignParts(chunks, TENTHS, 1)
    expect(leftOut).toEqual([])
    expect(sizes(partOf)).toEqual([24, 3, 3])
  })

  test('of too few chunks are refused with what to do', () => {
    expect(() =>
      assignParts(
        numberedChunks(5, () => 'a.md'),
        TENTHS,
        1,
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'DATASET_SPLIT',
        message: expect.stringMatching(/^5 chunks are too few for train, validation, test.*smaller chunks/),
      }),
    )
    expect(() =>
      assignParts(
        numberedChunks(6, () => 'a.md'),
        TENTHS,
        1,
      ),
    ).not.toThrow()
  })
})

test.each([[{ validation: -0.1, test: 0 }], [{ validation: 0.5, test: 0.5 }], [{ validation: Number.NaN, test: 0 }]])(
  'fractions %j are refused',
  fractions => {
    expect(() => assignParts(numberedChunks(40), fractions, 1)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  },
)

describe('the data sets', () => {
  const chunks = numberedChunks(40)
  const assigned = assignParts(chunks, TENTHS, 1)

  test('hold the questions of their part, and all chunks as distractors', () => {
    const questions = questionsFor(chunks).filter((_, i) => i % 3 > 0)
    const { parts, dropped, kept } = buildParts(questions, assigned)
    expect(dropped).toEqual([])
    expect(kept).toHaveLength(questions.length)
    expect([parts.train, parts.validation!, parts.test!].map(({ corpus }) => corpus.size)).toEqual([40, 40, 40])
    for (const { queries, corpus, qrels } of [parts.train, parts.validation!, parts.test!]) {
      expect([...qrels.keys()]).toEqual([...queries.keys()])
      for (const [id, judged] of qrels) {
        const question = questions.find(q => q.id === id)!
        expect([...judged]).toEqual([[question.chunk, 1]])
        expect(corpus.get(question.chunk)).toBe(chunks.find(({ id: own }) => own === question.chunk)!.text)
      }
    }
  })

  test('drop a question that is in an earlier part too', () => {
    const inPart = (part: string) => assigned.chunks.filter(({ id }) => assigned.partOf.get(id) === part)
    const questions = questionsFor(chunks)
    const held = inPart('test')[0].id
    const trained = inPart('train')[0].id
    const same = questions.map(q =>
      q.chunk === held ? { ...q, text: `${questions.find(({ chunk }) => chunk === trained)!.text}?` } : q,
    )
    const { parts, dropped } = buildParts(same, assigned)
    expect(dropped.map(({ chunk, reason }) => [chunk, reason])).toEqual([[held, 'near-duplicate']])
    expect(parts.test!.queries.size).toBe(inPart('test').length - 1)
    expect(parts.test!.corpus.has(held)).toBe(true)
  })

  test('a part without a question is refused', () => {
    const questions = questionsFor(chunks).filter(({ chunk }) => assigned.partOf.get(chunk) === 'train')
    expect(() => buildParts(questions, assigned)).toThrow(
      expect.objectContaining({
        code: 'DATASET_SPLIT',
        message: expect.stringMatching(/no question is left for the validation split/),
      }),
    )
  })
})
