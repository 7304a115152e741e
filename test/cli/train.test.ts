import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hashDataset } from '../../src/dataset/hash.js'
import { readDataset } from '../../src/dataset/read.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const SMALL = ['--base', 'hashing', '--dimensions', '32', '--epochs', '2', '--tune', 'off']

/** Every file in a folder, by path. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(folder, name)).isFile())

/** An adapter file without its date. */
function adapterIn(path: string) {
  const { training, ...rest } = JSON.parse(readFileSync(path, 'utf8'))
  const { date, ...facts } = training
  expect(new Date(date).toISOString()).toBe(date)
  return { ...rest, training: facts }
}

const SCORES = Object.fromEntries(
  ['hit@1', 'hit@3', 'hit@5', 'hit@10', 'mrr@10', 'ndcg@10', 'recall@10', 'precision@10', 'map@100'].map(name => [
    name,
    expect.any(Number),
  ]),
)

describe.concurrent('train with --json', () => {
  test('prints exactly one object of the documented shape, and the same data, seed and options give the same adapter', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(40), 'val.json': llamaIndex(6, { from: 50 }) })
    const args = ['train', '--train', 'train.json', '--val', 'val.json', ...SMALL, '--json']
    const { code, stdout, stderr } = await cli([...args, '--out', 'new/folder é/a b.json'], { cwd })

    expect(stderr).toMatch(/epoch 2\/2/)
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    const epoch = { loss: expect.any(Number), metric: expect.any(Number) }
    const { difference, wins, ties, losses, seen, unseen, largest, hybrid, ...documented } = report
    expect(difference['ndcg@10']).toEqual({
      mean: expect.any(Number),
      low: expect.any(Number),
      high: expect.any(Number),
      p: expect.any(Number),
    })
    const held = report.data.test.queries
    expect(held).toBeGreaterThanOrEqual(2)
    expect(wins + ties + losses).toBe(held)
    expect(seen.queries + unseen.queries).toBe(held)
    expect(largest).toMatchObject({ metric: 'ndcg@10', wins: expect.any(Array), losses: expect.any(Array) })
    expect(hybrid).toMatchObject({ queries: held, rows: [{ name: 'the base' }, { name: 'the adapter' }] })
    expect(documented).toStrictEqual({
      adapter: 'new/folder é/a b.json',
      kind: 'linear',
      base: { id: expect.stringMatching(/^hashing/), dimensions: 32 },
      data: {
        train: { queries: 40 - held, pairs: 40 - held, documents: 40 },
        validation: { queries: 6, pairs: 6, documents: 6 },
        test: { queries: held, pairs: held, documents: 40 },
      },
      metrics: { base: SCORES, adapted: SCORES, split: 'test' },
      epochs: [
        { epoch: 1, ...epoch },
        { epoch: 2, ...epoch },
      ],
      bestEpoch: expect.any(Number),
      engine: 'cpu',
      engineDescription: expect.any(String),
      engineReason: expect.any(String),
      warnings: expect.any(Array),
      cache: { hits: 0, misses: 86, requests: 2, tokens: expect.any(Number) },
      seconds: {
        embed: expect.any(Number),
        tune: expect.any(Number),
        train: expect.any(Number),
        evaluate: expect.any(Number),
        total: expect.any(Number),
      },
    })

    const again = await cliJson<typeof report>([...args, '--out', 'again.json', '--quiet'], { cwd })
    expect(again.cache).toMatchObject({ hits: 86, misses: 0, requests: 0, tokens: 0 })
    const adapter = adapterIn(join(cwd, 'again.json'))
    expect(adapter).toStrictEqual(adapterIn(join(cwd, 'new/folder é/a b.json')))
    expect(adapter.training.metrics).toStrictEqual(report.metrics)
    expect(adapter.training.data.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(filesIn(cwd).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  test('leaves out the parts, the metrics and the epoch metrics that there are no queries for', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(8) })
    const args = ['--train', 'train.json', '--val-fraction', '0', '--test-fraction', '0', ...SMALL, '--cache', 'none']
    const { code, stdout, stderr } = await cli([...args, '--json', '--quiet'], { cwd })
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report.data).toStrictEqual({ train: { queries: 8, pairs: 8, documents: 8 } })
    expect(report).not.toHaveProperty('metrics')
    expect(report.epochs.map(Object.keys)).toEqual([
      ['epoch', 'loss'],
      ['epoch', 'loss'],
    ])
    expect(report.bestEpoch).toBe(2)
    // --quiet: nothing but the warning.
    expect(stderr).toBe(
      'warning: there is neither a validation nor a test set: nothing but the out-of-fold gain of --tune auto shows whether the adapter helps\n',
    )
    expect(filesIn(cwd).sort()).toEqual([report.adapter, 'train.json'].sort())

    const { dataset } = await readDataset(join(cwd, 'train.json'))
    const hash = createHash('sha256')
      .update(`${hashDataset(dataset)}\n-\n-\n`)
      .digest('hex')
    expect(adapterIn(join(cwd, report.adapter)).training.data.sha256).toBe(hash)
  })

  test('measures on the validation set where there is no test set, and says so', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(20) })
    const args = ['--train', 'train.json', '--test-fraction', '0', ...SMALL, '--json']
    const { stdout, stderr } = await cli(args, { cwd })
    expect(JSON.parse(stdout).metrics.split).toBe('validation')
    expect(stderr).toContain('warning: there is no test set')
  })
})

describe.concurrent('train without --json', () => {
  test('alone uses train_dataset.json and val_dataset.json of the current folder and prints a table', async () => {
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(30), 'val_dataset.json': llamaIndex(5, { from: 60 }) })
    const { code, stdout, stderr } = await cli(SMALL, { cwd })
    expect(code).toBe(0)
    const [, held] = /^test set, (\d+) held-out quer/m.exec(stdout)!.map(Number)
    expect(stdout).toContain(`train ${30 - held} queries, ${30 - held} pairs, 30 documents`)
    expect(stdout).toContain('validation 5 queries, 5 pairs, 5 documents')
    expect(stdout).toMatch(/^metric +base +adapted +difference +95% CI +p-value$/m)
    expect(stdout).toMatch(
      /^ndcg@10 +[01]\.\d{4} +[01]\.\d{4} +[+-][01]\.\d{4} +[+-][01]\.\d{4} to [+-][01]\.\d{4} +(<0\.001|[01]\.\d{3})$/m,
    )
    const [, path] = /^adapter +(.+)$/m.exec(stdout)!
    expect(path).toMatch(/^adapters\/hashing-[\w.-]+\.json$/)
    expect(existsSync(join(cwd, path))).toBe(true)
    expect(stderr).toContain('65 distinct texts')
    expect(stdout + stderr).not.toContain('\x1b')
  })

  test('splits the validation part off the default training file where a share for it is asked for', async () => {
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(30), 'val_dataset.json': 'not read' })
    const args = ['--val-fraction', '0.2', ...SMALL]
    const { data } = await cliJson<{ data: Record<string, { queries: number }> }>(args, { cwd })
    const [train, validation, held] = ['train', 'validation', 'test'].map(part => data[part].queries)
    expect(train + validation + held).toBe(30)
    expect(validation).toBeGreaterThanOrEqual(3)
    expect(held).toBeGreaterThanOrEqual(2)
  })

  test('--split-by document keeps both queries of a document on one side, where five are asked for', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(40, { documents: 20 }) })
    const args = ['--train', 'train.json', '--test-fraction', '0.125', ...SMALL]
    const testQueries = async (...more: string[]) =>
      (await cliJson<{ data: { test: { queries: number } } }>([...args, ...more], { cwd })).data.test.queries
    expect(await testQueries()).toBe(5)
    expect((await testQueries('--split-by', 'document')) % 2).toBe(0)
  })

  test('trains on a CSV file with very long ids, from another folder, with a leak between the sets reported', async () => {
    const id = 'x'.repeat(5000)
    const rows = Array.from({ length: 12 }, (_, i) => `how to fix part ${i},fixing part ${i},${id}${i}`)
    const folder = folderWith({ 'd.csv': `query,document,document_id\n${rows.join('\n')}\n` })
    const file = join(folder, 'd.csv')
    const args = ['--train', file, '--test', file, '--val-fraction', '0', ...SMALL, '--cache', 'none', '--quiet']
    const cwd = folderWith()
    const { code, stderr } = await cli(args, { cwd })
    expect(stderr).toMatch(/^warning: 12 of the 12 queries of d\.csv are training queries too/)
    expect(code).toBe(0)
  })
})

describe.concurrent('bad input of train', () => {
  test.each([
    ['no default file', {}, [], /there is no train_dataset\.json in .+ --train FILE/],
    ['an empty file', { 'e.json': '' }, ['--train', 'e.json'], /e\.json.* is empty/],
    [
      'a folder that is no BEIR folder',
      { 'f/readme.txt': 'x' },
      ['--train', 'f'],
      /f is not a dataset in a known format.*readme\.txt/,
    ],
    ['too few queries to split', { 't.json': llamaIndex(3) }, ['--train', 't.json'], /cannot split t\.json: .*3 queries/],
    [
      'a document that does not exist',
      { 't.json': { ...llamaIndex(9), relevant_docs: { q3: ['nope'] } } },
      ['--train', 't.json'],
      /t\.json.*"q3".*"nope".*not in the corpus.*--skip-invalid/,
    ],
    ['broken JSON', { 't.json': '{"queries": {"a": \n"b",}' }, ['--train', 't.json'], /t\.json:2: .*not JSON/],
    ['a result that is a folder', { 't.json': llamaIndex(30), 'o/x': '' }, ['--train', 't.json', '--out', 'o'], /cannot write o/],
    [
      'a result below a file',
      { 't.json': llamaIndex(30) },
      ['--train', 't.json', '--out', 't.json/a.json'],
      /cannot write t\.json\/a\.json/,
    ],
    [
      'a cache below a file',
      { 't.json': llamaIndex(30) },
      ['--base', 'hashing', '--train', 't.json', '--cache', 't.json/c.sqlite'],
      /cannot open the embedding cache/,
    ],
    [
      'a learning rate that destroys the weights',
      { 't.json': llamaIndex(30) },
      ['--base', 'hashing', '--train', 't.json', '--lr', '1e30', '--cache', 'none', '--dimensions', '16'],
      /diverged.*--learning-rate/,
    ],
  ])('%s gives one clear error, exit code 1, and no file', async (_, files, args, message) => {
    const cwd = folderWith(files)
    const before = filesIn(cwd)
    const { code, stdout, stderr } = await cli([...args, '--json', '--quiet'], { cwd })
    expect(code).toBe(1)
    const { error, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({})
    expect(error).toStrictEqual({ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringMatching(message) })
    expect(stderr).toBe(`error: ${error.message}\n`)
    expect(filesIn(cwd)).toEqual(before)
  })

  test('--skip-invalid lists what is left out and trains on the rest', async () => {
    const data = llamaIndex(30)
    const cwd = folderWith({
      't.json': {
        ...data,
        queries: { ...data.queries, q1: '' },
        relevant_docs: { ...data.relevant_docs, q2: ['gone'] },
      },
    })
    const { code, stdout, stderr } = await cli(['--train', 't.json', '--skip-invalid', ...SMALL, '--quiet', '--json'], {
      cwd,
    })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).data.train.queries).toBe(22)
    expect(stderr).toMatch(/^warning: \d+ invalid entries left out:$/m)
    expect(stderr).toMatch(/^ {2}t\.json.*q1.*is empty/m)
    expect(stderr).toMatch(/^ {2}t\.json.*"q2" names document "gone"/m)
  })
})
