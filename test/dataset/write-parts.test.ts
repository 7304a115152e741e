import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { hashDataset } from '../../src/dataset/hash.js'
import { readDataset } from '../../src/dataset/read.js'
import type { DatasetSplit } from '../../src/dataset/split.js'
import { type WritePartsOptions, writeParts } from '../../src/dataset/write-parts.js'
import { DATASET_WRITERS } from '../../src/dataset/writers/index.js'
import { failure, folderWith, temporaryFolder } from './temporary-folder.js'

type Judged = [string, number][]
const part = (name: string, judged: Record<string, Judged>, extra: string[] = []): QADataset => ({
  name,
  queries: new Map(Object.keys(judged).map(id => [id, `query ${id} "é😀\u2028\n\t,`])),
  corpus: new Map(
    [...new Set([...Object.values(judged).flatMap(docs => docs.map(([id]) => id)), ...extra])].map(id => [
      id,
      `document ${id};\r\nwith "quotes" and a\\slash`,
    ]),
  ),
  qrels: new Map(Object.entries(judged).map(([id, docs]) => [id, new Map(docs)])),
})
const parts: DatasetSplit = {
  train: part(
    'train',
    {
      '9': [
        ['d"2', 1],
        ['7', 3],
      ],
      'q 1': [
        ['7', 2],
        ['d3', 0],
      ],
    },
    ['unasked'],
  ),
  validation: part('validation', { v: [['e', 1]] }),
  test: part(
    'test',
    {
      t: [
        ['f', 1],
        ['g', 0],
      ],
    },
    ['unasked too'],
  ),
}
const plain: DatasetSplit = {
  train: part(
    'train',
    {
      q: [
        ['d', 1],
        ['e', 1],
      ],
    },
    ['x'],
  ),
  test: part('test', { t: [['f', 1]] }),
}
const json = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const lines = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')

describe.each(DATASET_WRITERS)('a data set written as $name', writer => {
  const write = (data: DatasetSplit, options: WritePartsOptions = {}) => {
    const folder = temporaryFolder()
    return { folder, ...writeParts(data, folder, { format: writer.name, ...options }) }
  }
  const back = async (folder: string, name: keyof typeof writer.partFiles) =>
    (await readDataset(join(folder, writer.partFiles[name]))).dataset

  it('without grades is read back to the same queries, documents and judgements', async () => {
    const { folder, files, losses } = write(plain)
    expect(losses).toEqual([])
    expect(files.every(existsSync)).toBe(true)
    const [train, test] = [await back(folder, 'train'), await back(folder, 'test')]
    expect(train.queries).toEqual(plain.train.queries)
    expect(train.qrels).toEqual(plain.train.qrels)
    expect(test.qrels).toEqual(plain.test!.qrels)
    // A BEIR folder has one corpus for all of its parts.
    const all = new Map([...plain.train.corpus, ...plain.test!.corpus])
    expect(train.corpus).toEqual(writer.name === 'beir' ? all : plain.train.corpus)
    expect(existsSync(join(folder, writer.partFiles.validation))).toBe(false)
  })

  it('with grades keeps them, or says how many it could not keep', async () => {
    const { folder, losses } = write(parts)
    for (const name of ['train', 'validation', 'test'] as const) {
      const { qrels, queries } = await back(folder, name)
      expect(queries).toEqual(parts[name]!.queries)
      if (writer.name !== 'llamaindex') expect(qrels).toEqual(parts[name]!.qrels)
    }
    if (writer.name !== 'llamaindex') expect(losses).toEqual([])
    else {
      expect(losses).toEqual([
        expect.stringMatching(/^2 grades other than 1 became 1: LlamaIndex has no grades/),
        expect.stringMatching(/^2 judgements "not relevant" are left out/),
      ])
    }
  })

  it('does not replace a file, unless it is to, nor mix with a part of another data set', async () => {
    const folder = temporaryFolder()
    const options = { format: writer.name }
    writeParts(parts, folder, options)
    const before = readFileSync(join(folder, writer.partFiles.train))
    const there = await failure(() => writeParts(plain, folder, options), 'FILE_WRITE')
    expect(there.message).toContain('it is there already. Name another folder, or ask for it to be overwritten')
    const left = await failure(() => writeParts(plain, folder, { ...options, overwrite: true }), 'FILE_WRITE')
    expect(left.message).toContain(`${join(folder, writer.partFiles.validation)}: it is not a split of this dataset`)
    expect(readFileSync(join(folder, writer.partFiles.train))).toEqual(before)
    writeParts(parts, folder, { ...options, overwrite: true })
    expect(readFileSync(join(folder, writer.partFiles.train))).toEqual(before)
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  it('is the same, byte for byte, when it is written again', () => {
    const [a, b] = [write(parts), write(parts)]
    expect(a.files.map(path => readFileSync(path, 'utf8'))).toEqual(b.files.map(path => readFileSync(path, 'utf8')))
  })
})

describe('LlamaIndex files', () => {
  it('have the fields and types of EmbeddingQAFinetuneDataset: texts by id, lists of ids, the mode', () => {
    const folder = temporaryFolder()
    writeParts(parts, folder)
    expect(readdirSync(folder).sort()).toEqual(['test_dataset.json', 'train_dataset.json', 'val_dataset.json'])
    for (const name of readdirSync(folder)) {
      const data = json(folder, name)
      expect(Object.keys(data)).toEqual(['queries', 'corpus', 'relevant_docs', 'mode'])
      for (const texts of [data.queries, data.corpus]) {
        expect(Object.values(texts).every(text => typeof text === 'string')).toBe(true)
      }
      for (const [query, ids] of Object.entries<string[]>(data.relevant_docs)) {
        expect(data.queries[query]).toBeDefined()
        expect(Array.isArray(ids) && ids.length > 0 && ids.every(id => typeof data.corpus[id] === 'string')).toBe(true)
      }
      expect(data.mode).toBe('text')
    }
    // LlamaIndex's evaluation takes the first id: it has to be a relevant one.
    expect(json(folder, 'test_dataset.json').relevant_docs).toEqual({ t: ['f'] })
  })
})

describe('a BEIR folder', () => {
  it("has what BEIR's loader takes: _id, title and text, and tab-separated judgements with a header and whole grades", () => {
    const folder = temporaryFolder()
    writeParts(parts, folder, { format: 'beir' })
    for (const line of lines(folder, 'corpus.jsonl')) {
      expect(JSON.parse(line)).toEqual({ _id: expect.any(String), title: '', text: expect.any(String) })
    }
    for (const line of lines(folder, 'queries.jsonl')) {
      expect(JSON.parse(line)).toEqual({ _id: expect.any(String), text: expect.any(String) })
    }
    expect(readdirSync(join(folder, 'qrels')).sort()).toEqual(['dev.tsv', 'test.tsv', 'train.tsv'])
    expect(lines(folder, 'qrels/train.tsv')).toEqual([
      'query-id\tcorpus-id\tscore',
      '9\td"2\t1',
      '9\t7\t3',
      'q 1\t7\t2',
      'q 1\td3\t0',
    ])
  })

  it('rounds a grade that is no whole number, to 1 at least, and says so', () => {
    const folder = temporaryFolder()
    const graded = {
      train: part('train', {
        q: [
          ['d', 0.2],
          ['e', 2.5],
          ['f', 0],
          ['g', 2],
        ],
      }),
    }
    const { losses } = writeParts(graded, folder, { format: 'beir' })
    expect(lines(folder, 'qrels/train.tsv').slice(1)).toEqual(['q\td\t1', 'q\te\t3', 'q\tf\t0', 'q\tg\t2'])
    expect(losses).toEqual([expect.stringMatching(/^2 grades were rounded to whole numbers/)])
  })

  it.each([['a\tb'], ['a\nb'], ['"a"'], [' a'], ['a ']])('cannot hold the id %j, and nothing is written', async id => {
    const folder = temporaryFolder()
    const { message } = await failure(
      () => writeParts({ train: part('train', { q: [[id, 1]] }) }, folder, { format: 'beir' }),
      'DATASET_FORMAT',
    )
    expect(message).toContain(`the id ${JSON.stringify(id)} (train)`)
    expect(readdirSync(folder)).toEqual([])
  })

  it('cannot hold two texts of one id', async () => {
    const other = part('test', { t: [['d', 1]] })
    const data = { train: plain.train, test: { ...other, corpus: new Map([['d', 'another']]) } }
    const { message } = await failure(() => writeParts(data, temporaryFolder(), { format: 'beir' }), 'DATASET_FORMAT')
    expect(message).toContain('the id "d" has another text in the test part')
  })
})

describe('JSON Lines', () => {
  it('have a judgement a line, with both texts, and then the documents that nobody judged', async () => {
    const folder = temporaryFolder()
    writeParts(parts, folder, { format: 'jsonl' })
    const records = lines(folder, 'train.jsonl').map(line => JSON.parse(line))
    expect(records).toHaveLength(5)
    const { queries, corpus } = parts.train
    expect(records[0]).toEqual({
      query_id: '9',
      query: queries.get('9'),
      document_id: 'd"2',
      document: corpus.get('d"2'),
      grade: 1,
    })
    expect(records[4]).toEqual({ document_id: 'unasked', document: corpus.get('unasked') })
    const { dataset } = await readDataset(join(folder, 'train.jsonl'))
    expect(hashDataset(dataset)).toBe(hashDataset(parts.train))
  })
})

describe('writeParts', () => {
  it('does not replace the corpus of another BEIR folder', async () => {
    const folder = folderWith({ 'corpus.jsonl': 'mine' })
    await failure(() => writeParts(plain, folder, { format: 'beir' }), 'FILE_WRITE')
    expect(readFileSync(join(folder, 'corpus.jsonl'), 'utf8')).toBe('mine')
  })

  it('refuses an unknown format, and a folder that is a file', async () => {
    const { message } = await failure(() => writeParts(plain, 'x', { format: 'xml' as 'beir' }), 'USAGE')
    expect(message).toBe('unknown dataset format "xml"; expected one of: llamaindex, beir, jsonl')
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    await failure(() => writeParts(plain, join(folder, 'file')), 'FILE_WRITE')
  })
})
