import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors.js'
import { fromRows, row } from '../../src/math/matrix.js'
import { isInMemory, toMatrix } from '../../src/math/row-source.js'
import { readVectors } from '../../src/vectors/read-vectors.js'
import { splitEmbedded } from '../../src/vectors/split-embedded.js'
import { failure, fileWith, folderWith } from '../dataset/temporary-folder.js'
import { writeNpy } from '../helpers/vector-files.js'

type Content = string | Uint8Array
const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const lines = (...values: unknown[]): string => values.map(value => `${JSON.stringify(value)}\n`).join('')

/** Three queries and four documents of two dimensions. */
const sound = {
  'shape.json': '{"dim": 2}',
  'queries.f32': f32(1, 0, 0, 1, 3, 4),
  'docs.f32': f32(1, 1, 2, 2, 1, 1, 5, 6),
  'pairs.json': '[[0, 1], [2, 3]]',
} as const
const without = (...names: (keyof typeof sound)[]): Record<string, Content> =>
  Object.fromEntries(Object.entries(sound).filter(([name]) => !names.includes(name as keyof typeof sound)))
const read = (files: Record<string, Content>) => readVectors(folderWith(files))
const refusal = async (files: Record<string, Content>, code: ErrorCode): Promise<string> =>
  (await failure(() => read(files), code)).message

describe('readVectors', () => {
  it('reads raw vectors as they are, with row numbers as ids', async () => {
    const folder = folderWith(sound)
    const { train, validation, test } = await readVectors(folder)
    expect([validation, test]).toEqual([undefined, undefined])
    expect(train.baseId).toBe(`vectors/${basename(folder)}`)
    expect(train.queryIds).toEqual(['0', '1', '2'])
    expect(train.docIds).toEqual(['0', '1', '2', '3'])
    expect(train.queries).toEqual(
      fromRows([
        [1, 0],
        [0, 1],
        [3, 4],
      ]),
    )
    expect(train.docs).toEqual(
      fromRows([
        [1, 1],
        [2, 2],
        [1, 1],
        [5, 6],
      ]),
    )
    expect([...train.docTextGroup]).toEqual([0, 1, 0, 2])
    expect('queryTexts' in train).toBe(false)
  })

  it('keeps a query without pairs, so that row numbers stay what they are', async () => {
    const { train } = await read(sound)
    expect(train.positives).toEqual([new Map([[1, 1]]), new Map(), new Map([[3, 1]])])
  })

  it('takes the given base id', async () => {
    expect((await readVectors(folderWith(sound), { baseId: 'mine/v2' })).train.baseId).toBe('mine/v2')
  })

  it('reads every form, also mixed', async () => {
    const folder = folderWith({ ...without('queries.f32'), 'queries.jsonl': lines([1, 0], [0, 1], { vector: [3, 4] }) })
    const expected = (await read(sound)).train
    expect((await readVectors(folder, { baseId: expected.baseId })).train).toEqual(expected)
    const npy = folderWith({ 'pairs.json': sound['pairs.json'] })
    writeNpy(expected.queries, join(npy, 'queries.npy'))
    writeNpy(expected.docs, join(npy, 'docs.npy'))
    expect((await readVectors(npy, { baseId: expected.baseId })).train).toEqual(expected)
  })

  it('reads validation and test parts, which have the training documents where they have none', async () => {
    const { train, validation, test } = await read({
      ...sound,
      'val_queries.f32': f32(7, 7),
      'val_pairs.json': '[[0, 3]]',
      'test_queries.jsonl': lines([8, 8], [9, 9]),
      'test_docs.f32': f32(1, 2),
      'test_pairs.json': '[[1, 0, 2]]',
    })
    expect(validation!.docs).toBe(train.docs)
    expect(validation!.docTextGroup).toBe(train.docTextGroup)
    expect([...row(validation!.queries, 0)]).toEqual([7, 7])
    expect(test!.docs).toEqual(fromRows([[1, 2]]))
    expect(test!.positives).toEqual([new Map(), new Map([[0, 2]])])
  })

  it('holds documents once where the test set has a copy of them', async () => {
    const held = { ...sound, 'test_queries.f32': f32(1, 1), 'test_pairs.json': '[[0, 0]]' }
    const copy = await read({ ...held, 'test_docs.f32': sound['docs.f32'] })
    expect(copy.test!.docs).toBe(copy.train.docs)
    const other = await read({ ...held, 'test_docs.f32': f32(1, 1, 2, 2, 1, 1, 5, 7) })
    expect(other.test!.docs).not.toBe(other.train.docs)
    expect(other.test!.docs.data[7]).toBe(7)
  })

  it('keeps ids and texts of JSON Lines, and takes documents of one text for copies', async () => {
    const { train } = await read({
      ...without('docs.f32'),
      'docs.jsonl': lines(
        { id: 'a', vector: [1, 1], text: 'same' },
        { id: 7, vector: [2, 2], text: 'other' },
        { id: 'c', vector: [1.001, 1], text: 'same' },
        { vector: [5, 6], text: null },
      ),
    })
    expect(train.docIds).toEqual(['a', '7', 'c', '3'])
    expect(train.docTexts).toEqual(['same', 'other', 'same', undefined])
    expect([...train.docTextGroup]).toEqual([0, 1, 0, 2])
  })

  it('reads texts from lists beside the vectors', async () => {
    const texts = { 'query_texts.json': '["a", "b", "c"]', 'doc_texts.json': '["d", "e", "f", "g"]' }
    const { train, test } = await read({
      ...sound,
      ...texts,
      'test_queries.f32': f32(1, 1),
      'test_docs.f32': sound['docs.f32'],
      'test_query_texts.json': '["t"]',
      'test_pairs.json': '[[0, 0]]',
    })
    expect([train.queryTexts, train.docTexts]).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f', 'g'],
    ])
    expect(test!.queryTexts).toEqual(['t'])
    expect(test!.docs).toBe(train.docs)
    expect(test!.docTexts).toBe(train.docTexts)
  })

  it.each(['\r\n', '\r'])('reads JSON Lines that end with %j, with a byte order mark and no last line end', async end => {
    const { train } = await read({ ...without('queries.f32'), 'queries.jsonl': ['\ufeff[1,0]', '[0,1]', '[3,4]'].join(end) })
    expect(train.queries).toEqual(
      fromRows([
        [1, 0],
        [0, 1],
        [3, 4],
      ]),
    )
  })
})

describe('readVectors, pairs', () => {
  it('counts a pair that comes twice once, with its highest grade, and leaves out grade 0', async () => {
    const { train } = await read({ ...sound, 'pairs.json': '[[0,1,1],[0,1,3],[0,1,2],[0,2,0],[1,0,0.5],[2,2],[2,2]]' })
    expect(train.positives).toEqual([new Map([[1, 3]]), new Map([[0, 0.5]]), new Map([[2, 1]])])
  })

  it('keeps pairs of grade 0 as judged not relevant, unless the pair has another grade too', async () => {
    const pairs = '[[0, 1], [0, 3, 0], [0, 2, 0], [0, 3, 0], [2, 0, 0], [2, 0, 1]]'
    expect((await read({ ...sound, 'pairs.json': pairs })).train.judgedNegatives).toEqual([[3, 2], [], []])
    expect('judgedNegatives' in (await read(sound)).train).toBe(false)
  })

  it.each([
    ['[]', 'pairs.json: holds no pairs'],
    ['[[0, 1, 0]]', 'holds 1 pairs, but none with a grade above 0'],
    ['{"0": 1}', 'pairs.json:1: expected a list [[query row, document row], ...]'],
    ['[[0, 1],\n [0, 4]]', 'docs.f32 has no row 4, expected 0 to 3'],
    ['[[0, 1],\n [0, 4]]', 'pairs.json:2: pair 1 (from 0), [0,4]: '],
    ['[[3, 1]]', 'queries.f32 has no row 3, expected 0 to 2'],
    ['[[-1, 1]]', 'queries.f32 has no row -1'],
    ['[[0.5, 1]]', 'the query row is 0.5, expected a whole number'],
    ['[[0, "1"]]', 'the document row is "1", expected a whole number'],
    ['[[0, null]]', 'the document row is null'],
    ['[[0]]', 'pair 0 (from 0), [0]: expected [query row, document row] or'],
    ['[[0, 1, 2, 3]]', 'expected [query row, document row] or'],
    ['[{"query": 0, "document": 1}]', 'expected [query row, document row] or'],
    ['[[0, 1, "2"]]', 'the grade is "2"'],
    ['[[0, 1]', 'pairs.json:1: is not JSON'],
    ['[[0, 1]] []', 'pairs.json:1: is not JSON'],
    ['[[0, NaN]]', 'is not JSON: column 6'],
    ['', 'pairs.json:1: expected a list'],
  ])('refuses %s', async (pairs, message) => {
    expect(await refusal({ ...sound, 'pairs.json': pairs }, 'DATASET_INVALID')).toContain(message)
  })
})

describe('readVectors, missing and ambiguous files', () => {
  it('lists all that is missing, the names it looked for and what is there', async () => {
    const message = await refusal({ 'queries.npz': '', 'docs.f32': '' }, 'FILE_NOT_FOUND')
    expect(message).toContain('has no queries.npy, queries.f32 or queries.jsonl, and no pairs.json')
    expect(message).toContain('found docs.f32, queries.npz')
    expect(await refusal({}, 'FILE_NOT_FOUND')).toContain('found nothing')
  })

  it.each([
    ['test_pairs.json', '[[0, 0]]', 'has no test_queries.npy, test_queries.f32 or test_queries.jsonl; found'],
    ['test_queries.f32', f32(1, 1), 'has no test_pairs.json'],
    ['val_docs.f32', f32(1, 1), 'has no val_queries.npy, val_queries.f32 or val_queries.jsonl, and no val_pairs.json'],
  ])('refuses a held-out part of which there is only %s', async (name, content, message) => {
    expect(await refusal({ ...sound, [name]: content }, 'FILE_NOT_FOUND')).toContain(message)
  })

  it('refuses the same vectors in two forms', async () => {
    const message = await refusal({ ...sound, 'docs.npy': '' }, 'DATASET_FORMAT')
    expect(message).toContain('holds docs.npy and docs.f32, which may differ. Keep one of them.')
  })

  it('refuses a folder that is none', async () => {
    const file = fileWith('[]', 'vectors')
    expect((await failure(() => readVectors(file), 'DATASET_FORMAT')).message).toContain('is a file, expected a folder')
    await failure(() => readVectors(`${file}-not-there`), 'FILE_NOT_FOUND')
  })

  it('says what shape.json is for where it is missing, and what is wrong with it', async () => {
    const missing = await refusal(without('shape.json'), 'FILE_NOT_FOUND')
    expect(missing).toMatch(/queries\.f32 needs .*shape\.json, which does not exist.*\{"dim": 384\}/)
    for (const [shape, problem] of [
      ['{"dim": 2', 'shape.json: is not JSON, expected an object such as {"dim": 384}'],
      ['[2]', 'shape.json: is an array, expected an object'],
      ['null', 'shape.json: is null'],
      ['{"dims": 2}', 'shape.json: "dim" is missing'],
      ['{"dim": "2"}', '"dim" is "2", expected a whole number above 0'],
      ['{"dim": 0}', '"dim" is the number 0'],
      ['{"dim": 2.5}', '"dim" is the number 2.5'],
    ]) {
      expect(await refusal({ ...sound, 'shape.json': shape }, 'DATASET_INVALID')).toContain(problem)
    }
  })
})

describe('readVectors, broken vectors', () => {
  it('refuses vectors of different lengths', async () => {
    const queries = { ...without('queries.f32'), 'queries.jsonl': lines([1, 2, 3], [1, 2, 3], [1, 2, 3]) }
    const message = await refusal(queries, 'VECTOR_INVALID')
    expect(message).toMatch(/queries\.jsonl has vectors of 3 values, .*docs\.f32 of 2; expected vectors of one model/)
    const held = { ...sound, 'test_queries.jsonl': lines([1]), 'test_pairs.json': '[[0, 0]]' }
    expect(await refusal(held, 'VECTOR_INVALID')).toContain('test_queries.jsonl of 1')
  })

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('says in which row and column a value is %s', async (value, shown) => {
    const message = await refusal({ ...sound, 'docs.f32': f32(1, 1, 2, 2, 1, value, 5, 6) }, 'VECTOR_INVALID')
    expect(message).toContain(`docs.f32: row 2, column 1 (from 0) is ${shown} as float32, expected a finite number`)
  })

  it('says where a value is too large for float32', async () => {
    const files = { ...without('queries.f32'), 'queries.jsonl': '[1, 0]\n[0, 1e39]\n[3, 4]\n' }
    expect(await refusal(files, 'VECTOR_INVALID')).toContain('queries.jsonl:2: row 1, column 1 (from 0) is Infinity')
  })

  it('refuses files without vectors', async () => {
    expect(await refusal({ ...sound, 'docs.f32': '' }, 'DATASET_INVALID')).toContain('docs.f32: holds no vectors')
    const empty = { ...without('docs.f32'), 'docs.jsonl': '\n\n' }
    expect(await refusal(empty, 'DATASET_INVALID')).toContain('docs.jsonl: holds no vectors')
    const npy = folderWith(without('docs.f32'))
    writeNpy(fromRows([], 2), join(npy, 'docs.npy'))
    expect((await failure(() => readVectors(npy), 'DATASET_INVALID')).message).toContain('docs.npy: holds no vectors')
  })

  it('refuses raw vectors of the wrong size', async () => {
    const message = await refusal({ ...sound, 'docs.f32': f32(1, 2, 3) }, 'DATASET_INVALID')
    expect(message).toContain('docs.f32: has 12 bytes, expected a multiple of 8')
  })

  it.each([
    ['[1, 0]\n[1, 0, 2]\n', 'VECTOR_INVALID', ':2: the vector has 3 values, expected 2 as on line 1'],
    ['[]\n', 'VECTOR_INVALID', ':1: the vector is empty'],
    ['[1, "0"]\n', 'VECTOR_INVALID', ':1: value 1 (from 0) of the vector is "0", expected a number'],
    ['[1, null]\n', 'VECTOR_INVALID', ':1: value 1 (from 0) of the vector is null'],
    ['[[1, 0]]\n', 'VECTOR_INVALID', ':1: value 0 (from 0) of the vector is an array'],
    ['[1, 0]\n[1, NaN]\n', 'DATASET_INVALID', ':2: is not JSON: column 5: expected a value, found "NaN"'],
    ['[1, 0', 'DATASET_INVALID', ':1: is not JSON'],
    ['[1, 0] [2, 0]\n', 'DATASET_INVALID', ':1: is not JSON: column 8'],
    ['[1, 0]\n\n[1, 1]\n', 'DATASET_INVALID', ':2: is empty; expected a vector, because line n is row n - 1'],
    ['5\n', 'DATASET_INVALID', ':1: is the number 5, expected an array of numbers or an object'],
    ['null\n', 'DATASET_INVALID', ':1: is null'],
    [
      '{"id": 1, "embedding": [1, 0]}\n',
      'DATASET_INVALID',
      `"vector" is missing, expected an array of numbers; the line's keys: "id", "embedding"`,
    ],
    ['{"id": [], "vector": [1, 0]}\n', 'DATASET_INVALID', ':1: the id is an array, expected a string or a whole number'],
    ['{"id": "", "vector": [1, 0]}\n', 'DATASET_INVALID', ':1: the id is ""'],
    [
      '{"id": "a", "vector": [1, 0]}\n{"id": "a", "vector": [1, 0]}\n',
      'DATASET_INVALID',
      ':2: has the id "a", which line 1 has too',
    ],
    ['{"id": 1, "vector": [1, 0]}\n[1, 1]\n', 'DATASET_INVALID', ':2: has the id "1", which line 1 has too'],
    ['{"text": 5, "vector": [1, 0]}\n', 'DATASET_INVALID', ':1: the text is the number 5, expected a string'],
  ] as const)('refuses the lines %j', async (content, code, message) => {
    const found = await refusal({ ...without('queries.f32'), 'queries.jsonl': content }, code)
    expect(found).toContain('queries.jsonl')
    expect(found).toContain(message)
  })

  it('refuses a line that is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('[1, 0]\n{"id": "'), Buffer.of(0xff), Buffer.from('", "vector": [1, 0]}')])
    const message = await refusal({ ...without('queries.f32'), 'queries.jsonl': bytes }, 'DATASET_INVALID')
    expect(message).toContain('queries.jsonl:2: is not valid UTF-8')
  })

  it('refuses texts that do not fit the vectors', async () => {
    const few = await refusal({ ...sound, 'query_texts.json': '["a"]' }, 'DATASET_INVALID')
    expect(few).toMatch(/query_texts\.json: holds 1 texts, expected 3 as .*queries\.f32 has rows/)
    const wrong = await refusal({ ...sound, 'doc_texts.json': '["a",\nnull]' }, 'DATASET_INVALID')
    expect(wrong).toContain('doc_texts.json:2: text 1 (from 0) is null, expected a string')
    const folder = folderWith({ ...sound, 'query_texts.json': '["a", "b", "c"]' })
    writeFileSync(join(folder, 'test_queries.jsonl'), lines({ vector: [1, 1], text: 't' }))
    writeFileSync(join(folder, 'test_query_texts.json'), '["t"]')
    writeFileSync(join(folder, 'test_pairs.json'), '[[0, 0]]')
    const twice = await failure(() => readVectors(folder), 'DATASET_FORMAT')
    expect(twice.message).toMatch(/test_queries\.jsonl holds texts, and so does .*test_query_texts\.json/)
  })
})

describe('readVectors with lazy', () => {
  const held = {
    ...sound,
    'test_queries.f32': f32(1, 1),
    'test_docs.f32': sound['docs.f32'],
    'test_pairs.json': '[[0, 0]]',
  }

  it('leaves vectors in their files, and is the same in all else', async () => {
    const folder = folderWith(held)
    const [lazy, eager] = [await readVectors(folder, { lazy: true }), await readVectors(folder)]
    expect(isInMemory(lazy.train.queries) || isInMemory(lazy.train.docs)).toBe(false)
    expect(lazy.test!.docs).toBe(lazy.train.docs)
    for (const part of ['train', 'test'] as const) {
      const { queries, docs, ...rest } = lazy[part]!
      expect({ ...rest, queries: toMatrix(queries), docs: toMatrix(docs) }).toEqual(eager[part])
    }
  })

  it('tells documents of another file apart by their values', async () => {
    const other = folderWith({ ...held, 'test_docs.f32': f32(1, 1, 2, 2, 1, 1, 5, 7) })
    const { train, test } = await readVectors(other, { lazy: true })
    expect(test!.docs).not.toBe(train.docs)
    expect(toMatrix(test!.docs).data[7]).toBe(7)
  })

  it('finds a value that is not finite, wherever it is', async () => {
    const folder = folderWith({ ...sound, 'docs.f32': f32(1, 1, 2, 2, 1, Number.NaN, 5, 6) })
    const error = await failure(() => readVectors(folder, { lazy: true }), 'VECTOR_INVALID')
    expect(error.message).toMatch(/docs\.f32.*row 2, column 1/)
  })

  it('splits like vectors in memory', async () => {
    const values = Array.from({ length: 20 }, (_, i) => i + 1)
    const pairs = JSON.stringify(Array.from({ length: 10 }, (_, i) => [i, i % 4]))
    const folder = folderWith({ ...sound, 'queries.f32': f32(...values), 'pairs.json': pairs })
    const options = { fractions: { test: 0.4 }, by: 'query', seed: 1 } as const
    const lazy = splitEmbedded((await readVectors(folder, { lazy: true })).train, options)
    const eager = splitEmbedded((await readVectors(folder)).train, options)
    for (const part of ['train', 'test'] as const) {
      expect(lazy[part]!.queryIds).toEqual(eager[part]!.queryIds)
      expect(toMatrix(lazy[part]!.queries)).toEqual(eager[part]!.queries)
    }
  })
})
