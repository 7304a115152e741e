import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, cliJson, folderWith } from './cli.js'

const faq = (from: number, to: number) =>
  [
    'Nr;Question;Answer',
    ...Array.from({ length: to - from }, (_, i) => `${from + i};How about ${from + i}?;"Answer ""${from + i}"""`),
  ].join('\n')
const columns = ['--query', 'question', '--document', 'answer']
const json = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))

interface Report {
  files: string[]
  parts: { part: string; queries: number; documents: number; pairs: number; negatives: number }[]
  merged: Record<string, number>
  skipped: number
  notes: string[]
  losses: string[]
}

describe.concurrent('import', () => {
  test('makes three LlamaIndex files of a table, which train takes as they are', async () => {
    const cwd = folderWith({ 'faq.csv': faq(0, 100) })
    const { code, stdout, stderr } = await cli(['import', 'faq.csv', ...columns, '--query-id', 'Nr'], { cwd })
    expect(code).toBe(0)
    const train = 'adapter-train train --base openai --train data/train_dataset.json --val data/val_dataset.json'
    expect(stderr).toMatch(
      /^warning: faq\.csv \(test\): too easy or too small [^\n]*\n\nnext\n {2}adapter-train inspect data\/train_dataset\.json /,
    )
    expect(stderr).toContain(`\n  ${train} --test data/test_dataset.json\n`)
    expect(stdout).toMatch(/^part +queries +documents +pairs +hard negatives\ntrain +\d\d +100 +\d\d +0\nvalidation +\d+ +100/)
    expect(stdout).toContain('written    data/train_dataset.json')
    expect(readdirSync(join(cwd, 'data')).sort()).toEqual(['test_dataset.json', 'train_dataset.json', 'val_dataset.json'])
    const parts = ['train', 'val', 'test'].map(part => json(cwd, `data/${part}_dataset.json`))
    expect(new Set(parts.flatMap(({ queries }) => Object.keys(queries))).size).toBe(100)
    for (const { corpus } of parts) expect(new Set(Object.values(corpus)).size).toBe(100)
    const [[id, text]] = Object.entries(parts[2].queries)
    expect(text).toBe(`How about ${id}?`)
    expect(parts[2].corpus[parts[2].relevant_docs[id][0]]).toBe(`Answer "${id}"`)
    const trained = await cliJson(
      [
        '--base',
        'hashing',
        '--train',
        'data/train_dataset.json',
        '--val',
        'data/val_dataset.json',
        '--test',
        'data/test_dataset.json',
        '--tune',
        'off',
        '--no-gate',
        '--dimensions',
        '16',
        '--epochs',
        '1',
        '--out',
        'x.json',
        '--cache',
        'none',
      ],
      { cwd },
    )
    expect(trained).toMatchObject({})
  })

  test('merges inputs of several formats, keeps negatives and grades, and is the same when it is done again', async () => {
    const squad = {
      data: [
        {
          paragraphs: Array.from({ length: 20 }, (_, i) => ({
            context: `Context ${i}`,
            qas: [
              { id: `s${i}`, question: `Squad ${i}?`, answers: [] },
              { id: `x${i}`, question: 'No?', is_impossible: true },
            ],
          })),
        },
      ],
    }
    const triplets = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({
        query: i < 5 ? `Squad ${i}?` : `Triplet ${i}`,
        pos: [`Context ${i}`, `Positive ${i}`],
        neg: [`Negative ${i}`],
      }),
    ).join('\n')
    const graded = 'query,document,grade\nSquad 0?,Context 0,3\n'
    const cwd = folderWith({ 'squad.json': squad, 'triplets.jsonl': triplets, 'graded.csv': graded })
    const args = ['import', 'squad.json', 'triplets.jsonl', 'graded.csv', '--format', 'jsonl', '--split', '0.7,0.3']
    const report = await cliJson<Report>([...args, '--out', 'a'], { cwd })
    expect(report).toMatchObject({
      merged: { queries: 6, documents: 21, judgements: 6, grades: 1, renamed: 0 },
      skipped: 0,
      losses: [],
      notes: expect.arrayContaining([expect.stringMatching(/^squad\.json: 20 questions .* left out$/)]),
    })
    expect(report.parts.map(({ part }) => part)).toEqual(['train', 'validation'])
    const sum = (key: 'queries' | 'pairs' | 'negatives') => report.parts.reduce((n, part) => n + part[key], 0)
    expect([sum('queries'), sum('pairs'), sum('negatives')]).toEqual([35, 20 + 40 - 5, 20])
    const lines = ['a/train.jsonl', 'a/val.jsonl'].flatMap(file => readFileSync(join(cwd, file), 'utf8').trim().split('\n'))
    const records = lines.map(line => JSON.parse(line))
    expect(records.find(({ query, document }) => query === 'Squad 0?' && document === 'Context 0').grade).toBe(3)
    expect(records.filter(({ grade }) => grade === 0)).toHaveLength(20)
    await cliJson([...args, '--out', 'b'], { cwd })
    for (const file of ['train.jsonl', 'val.jsonl']) {
      expect(readFileSync(join(cwd, 'b', file), 'utf8')).toBe(readFileSync(join(cwd, 'a', file), 'utf8'))
    }
  })

  test('turns clicks into grades, and says what LlamaIndex cannot keep', async () => {
    const log = Array.from({ length: 60 }, (_, i) =>
      JSON.stringify({ query: `search ${i % 30}`, clicked: [`d${i % 30}`], shown: [`d${(i + 1) % 30}`, `d${i % 30}`] }),
    ).join('\n')
    const docs = Array.from({ length: 30 }, (_, i) => JSON.stringify({ id: `d${i}`, text: `Document ${i}` })).join('\n')
    const cwd = folderWith({ 'log.jsonl': log, 'docs.jsonl': docs })
    const args = ['import', 'log.jsonl', '--corpus', 'docs.jsonl', '--min-clicks', '2', '--split', '1']
    const report = await cliJson<Report>(args, { cwd })
    expect(report.parts).toEqual([{ part: 'train', queries: 30, documents: 30, pairs: 30, negatives: 30 }])
    expect(report.losses).toEqual([expect.stringMatching(/^30 grades other/), expect.stringMatching(/^30 judgements/)])
    const beir = await cliJson<Report>([...args, '--format', 'beir', '--out', 'beir'], { cwd })
    expect(beir.losses).toEqual([])
    const qrels = readFileSync(join(cwd, 'beir/qrels/train.tsv'), 'utf8').split('\n')
    expect(qrels[0]).toBe('query-id\tcorpus-id\tscore')
    expect(qrels[1]).toMatch(/^q-[0-9a-f]{16}\td0\t2$/)
    const without = await cli(['import', 'log.jsonl', '--out', 'x'], { cwd })
    expect(without).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds ids .*--corpus FILE/) })
    expect(existsSync(join(cwd, 'x'))).toBe(false)
  })

  test('with few documents and many queries each is split by query', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => `utterance ${i},intent ${i % 2}`)
    const cwd = folderWith({ 'intents.csv': ['query,document', ...rows].join('\n') })
    const refused = await cli(['import', 'intents.csv'], { cwd })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/share documents.*Split by query/) })
    expect(existsSync(join(cwd, 'data'))).toBe(false)
    const report = await cliJson<Report>(['import', 'intents.csv', '--split-by', 'query'], { cwd })
    expect(report.parts.map(({ documents }) => documents)).toEqual([2, 2, 2])
    for (const { queries } of report.parts) expect(queries).toBeGreaterThanOrEqual(10)
  })

  test('by time holds out the latest of a search log, and says what a file without times lacks', async () => {
    const day = (i: number) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString()
    const entry = (i: number, at: unknown) => JSON.stringify({ query: `search ${i}`, clicked: [`page about ${i % 8}`], time: at })
    const lines = Array.from({ length: 60 }, (_, i) => entry(i, i % 2 ? day(i) : Date.parse(day(i)) / 1000))
    // Query 2 is asked again on the last day: it was known before.
    const cwd = folderWith({
      'log.jsonl': [...lines, entry(2, day(60))].reverse().join('\n'),
      'faq.csv': faq(0, 50),
      'odd.jsonl': entry(1, 'yesterday'),
    })
    await cliJson<Report>(['import', 'log.jsonl', '--split-by', 'time'], { cwd })
    const [validation, test] = ['val', 'test'].map(part => Object.values(json(cwd, `data/${part}_dataset.json`).queries))
    expect(test.sort()).toEqual([54, 55, 56, 57, 58, 59].map(i => `search ${i}`))
    expect(validation.sort()).toEqual([48, 49, 50, 51, 52, 53].map(i => `search ${i}`))
    // `train` holds out the same searches of the log itself, and folds have no time.
    const train = ['train', '--base', 'hashing', '--dimensions', '16', '--train', 'log.jsonl', '--split-by', 'time']
    const fast = ['--tune', 'off', '--epochs', '1', '--cache', 'none', '--out', 'x.json']
    const trained = await cliJson<{ data: object }>([...train, ...fast, '--val-fraction', '0'], { cwd })
    expect(trained.data).toMatchObject({ train: { queries: 54 }, test: { queries: 6 } })
    const { queries } = JSON.parse(readFileSync(join(cwd, 'x.json'), 'utf8')).training
    const hash = createHash('sha256').update('search 54').digest().subarray(0, 8)
    expect(Buffer.from(queries.hashes, 'base64').includes(hash)).toBe(false)
    expect(queries.count).toBe(54)
    expect((await cli([...train, '--k-fold', '3'], { cwd })).stderr).toContain('--split-by time holds out the latest')
    const refused = await cli(['import', 'faq.csv', ...columns, '--split-by', 'time', '--out', 'x'], { cwd })
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/50 of its 50 queries have no time, expected a search log with "time" in every entry/),
    })
    const odd = await cli(['import', 'odd.jsonl', '--out', 'x'], { cwd })
    expect(odd.stderr).toContain('"time" is "yesterday", expected a time such as 2026-05-31T12:00:00Z')
  })

  test('does not write over what is there, over its input, or beside parts of another data set', async () => {
    const cwd = folderWith({ 'faq.csv': faq(0, 50), 'data/val_dataset.json': 'mine' })
    const there = await cli(['import', 'faq.csv', ...columns], { cwd })
    expect(there).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/val_dataset\.json: it is there already/),
    })
    const left = await cli(['import', 'faq.csv', ...columns, '--split', '1', '--overwrite'], { cwd })
    expect(left).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/val_dataset\.json: it is not a split of this dataset/),
    })
    expect(readdirSync(join(cwd, 'data'))).toEqual(['val_dataset.json'])
    expect((await cli(['import', 'faq.csv', ...columns, '--overwrite'], { cwd })).code).toBe(0)
    const itself = await cli(['import', 'data/train_dataset.json', '--overwrite'], { cwd })
    expect(itself).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/would overwrite the input data\/train_dataset/),
    })
  })

  test('names file, line and field of what is wrong, and lists it with --skip-invalid', async () => {
    const cwd = folderWith({ 'faq.csv': `${faq(0, 50)}\n50;;nothing asked\n` })
    const wrong = await cli(['import', 'faq.csv', ...columns], { cwd })
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: faq\.csv:52: the question is empty/),
    })
    const skipped = await cli(['import', 'faq.csv', ...columns, '--skip-invalid'], { cwd })
    expect(skipped).toMatchObject({ code: 0, stderr: expect.stringContaining('faq.csv:52: the question is empty') })
  })

  test.each([
    [['--split', '0.5,0.6'], /--split must be shares .* found "0\.5,0\.6"/],
    [['--split', '0.5,abc'], /--split must be shares/],
    [['--split', '0,0.5,0.5'], /--split must be shares/],
    [['--min-clicks', '0'], /--min-clicks must be a whole number of at least 1/],
    [['--min-clicks', '2'], /only search-log has clicks/],
    [['--format', 'parquet'], /--format must be one of llamaindex, beir, jsonl/],
  ])('refuses %j', async (args, message) => {
    const cwd = folderWith({ 'faq.csv': 'query,document\na,x\n' })
    expect(await cli(['import', 'faq.csv', ...args], { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    })
  })

  test('says that Parquet has to be converted', async () => {
    const cwd = folderWith({ 'x.parquet': 'PAR1....PAR1' })
    const { code, stderr } = await cli(['import', 'x.parquet'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('is a Parquet file, which is not read. Convert it to JSON Lines or CSV first')
  })
})
