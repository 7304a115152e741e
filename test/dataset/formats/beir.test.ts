import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDataset } from '../../../src/dataset/read.js'
import { failure, folderWith } from '../temporary-folder.js'

const corpus = [
  '{"_id": "d1", "title": "Title", "text": "text one", "metadata": {"url": "x"}}',
  '{"_id": "d2", "title": "", "text": "text two"}',
  '{"_id": 3, "text": " text three "}',
].join('\n')
const queries = [
  '{"_id": "q1", "text": "one?"}',
  '{"_id": "q2", "text": "two?", "metadata": {}}',
  '{"_id": "q3", "text": "three?"}',
].join('\n')
const header = 'query-id\tcorpus-id\tscore\n'
const files = {
  'corpus.jsonl': corpus,
  'queries.jsonl': queries,
  'qrels/test.tsv': `${header}q1\td1\t1\nq2\td2\t2\nq2\td1\t0\n`,
}

describe('a BEIR folder', () => {
  it('gives the judged queries only, and documents with title and text', async () => {
    const path = folderWith(files)
    const { dataset } = await readDataset(path)
    expect([...dataset.queries]).toEqual([
      ['q1', 'one?'],
      ['q2', 'two?'],
    ])
    expect([...dataset.corpus]).toEqual([
      ['d1', 'Title text one'],
      ['d2', 'text two'],
      ['3', 'text three'],
    ])
    expect(dataset.qrels).toEqual(
      new Map([
        ['q1', new Map([['d1', 1]])],
        [
          'q2',
          new Map([
            ['d2', 2],
            ['d1', 0],
          ]),
        ],
      ]),
    )
    expect(dataset.name).toBe(`${basename(path)}/test`)
  })

  it.each([
    ['no header', 'q1\td1\t1\nq2\td2\t2\n'],
    ["TREC's four columns", 'q1\t0\td1\t1\nq2\t0\td2\t2\n'],
    ["TREC's four columns with spaces", 'q1 0  d1 1\nq2 Q0 d2 2'],
    ['CRLF, a byte order mark and blank lines', `\uFEFF${header.trim()}\r\n\r\nq1\td1\t1\r\nq2\td2\t2\r\n`],
  ])('may have qrels with %s', async (_, qrels) => {
    const { dataset } = await readDataset(folderWith({ ...files, 'qrels/test.tsv': qrels }))
    expect(dataset.qrels).toEqual(
      new Map([
        ['q1', new Map([['d1', 1]])],
        ['q2', new Map([['d2', 2]])],
      ]),
    )
  })

  it('with several splits has to be told which', async () => {
    const path = folderWith({ ...files, 'qrels/train.tsv': `${header}q3\td2\t1\n`, 'qrels/readme.md': 'x' })
    const { message } = await failure(() => readDataset(path), 'USAGE')
    expect(message).toContain('has several splits: test, train. Choose one with --split')
    expect([...(await readDataset(path, { split: 'train' })).dataset.queries.keys()]).toEqual(['q3'])
    expect((await failure(() => readDataset(path, { split: 'dev' }), 'USAGE')).message).toContain(
      'has no split "dev"; expected one of: test, train',
    )
    const trap = await failure(() => readDataset(path, { split: '../qrels/test' }), 'USAGE')
    expect(trap.message).toContain('has no split')
  })

  it('can be named by one of its qrels files', async () => {
    const path = folderWith({ ...files, 'qrels/train.tsv': `${header}q3\td2\t1\n` })
    const { dataset } = await readDataset(join(path, 'qrels', 'train.tsv'))
    expect([...dataset.queries.keys()]).toEqual(['q3'])
    expect(dataset.name).toBe(`${basename(path)}/train`)
    await failure(() => readDataset(join(path, 'qrels', 'train.tsv'), { split: 'test' }), 'USAGE')
  })

  it.each([
    ['corpus.jsonl', 'has no corpus.jsonl; found qrels, queries.jsonl'],
    ['queries.jsonl', 'has no queries.jsonl; found corpus.jsonl, qrels'],
    ['qrels', 'has no qrels; found corpus.jsonl, queries.jsonl'],
    ['qrels/test.tsv', 'holds no .tsv or .jsonl file'],
  ])('without %s is no BEIR folder', async (name, problem) => {
    const path = folderWith(files)
    rmSync(join(path, name), { recursive: true })
    expect((await failure(() => readDataset(path), 'DATASET_FORMAT')).message).toContain(problem)
  })

  it.each([
    [
      'qrels/test.tsv',
      `${header}q1\td1\t1\nq2\td9\t1\n`,
      'test.tsv:3: query "q2" names document "d9", which is not in the corpus',
    ],
    ['qrels/test.tsv', `${header}q1\td1\t1\nq9\td1\t1\n`, 'test.tsv:3: the judgements name query "q9"'],
    ['qrels/test.tsv', `${header}q1\td1\t1\nq2\td2\tyes\n`, 'test.tsv:3: the grade of query "q2" and document "d2" is "yes"'],
    ['qrels/test.tsv', `${header}q1\td1\t1\nq2\td2\n`, 'test.tsv:3: has 2 columns, expected query-id, corpus-id and score'],
    ['qrels/test.tsv', `${header}q1\td1\t1\nq2\td2\t0\n`, 'queries.jsonl:2: query "q2" has only documents of grade 0'],
    ['corpus.jsonl', `${corpus}\n{"_id":"d1","text":"again"}`, 'corpus.jsonl:4: document "d1" is given again (first in line 1)'],
    ['corpus.jsonl', `${corpus}\n{"_id":"d4","title":"","text":" "}`, 'corpus.jsonl:4: the text of document "d4" is empty'],
    ['corpus.jsonl', `${corpus}\n{"_id":"d4","title":"T"}`, 'corpus.jsonl:4: the text of document "d4" is missing'],
    [
      'corpus.jsonl',
      `${corpus}\n{"_id":"d4","title":7,"text":"x"}`,
      'corpus.jsonl:4: the title of document "d4" is the number 7',
    ],
    ['corpus.jsonl', `${corpus}\n{"text":"x"}`, 'corpus.jsonl:4: the id of a document is missing'],
    ['corpus.jsonl', `${corpus}\n{"_id":"d4"`, 'corpus.jsonl:4: is not JSON: column 12'],
    ['queries.jsonl', `${queries}\n{"_id":"q1","text":"again"}`, 'queries.jsonl:4: query "q1" is given again'],
    ['queries.jsonl', queries.replace('two?', ''), 'queries.jsonl:2: the text of query "q2" is empty'],
  ])('with something wrong in %s names the file, the line and the id (%#)', async (name, content, problem) => {
    const path = folderWith({ ...files, [name]: content })
    const { message } = await failure(() => readDataset(path), 'DATASET_INVALID')
    expect(message).toContain(problem)
    const { dataset, skipped } = await readDataset(path, { skipInvalid: true })
    expect(dataset.qrels.get('q1')).toEqual(new Map([['d1', 1]]))
    expect(skipped.length).toBeGreaterThan(0)
  })

  it('does not mind what is wrong with a query that the split does not judge', async () => {
    const path = folderWith({ ...files, 'queries.jsonl': queries.replace('three?', '') })
    expect((await readDataset(path)).dataset.queries.size).toBe(2)
  })
})
