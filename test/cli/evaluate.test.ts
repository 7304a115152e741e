import { expect, test } from 'vitest'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const cwd = folderWith({ 'train.json': llamaIndex(30), 'test.json': llamaIndex(8, { from: 40 }) })
const TRAIN = [
  '--base',
  'hashing',
  '--train',
  'train.json',
  '--dimensions',
  '32',
  '--epochs',
  '1',
  '--tune',
  'off',
  '--out',
  'a.json',
]
const EVALUATE = ['evaluate', '--base', 'hashing', '--data', 'test.json', '--dimensions', '32']

interface Report {
  readonly metrics: { readonly base: Record<string, number>; readonly adapted: Record<string, number> }
}

test.concurrent('evaluate scores the base, and base and adapter where an adapter is given', async () => {
  const trained = await cliJson<Report>([...TRAIN, '--test', 'test.json'], { cwd })
  const base = await cliJson<Report>(EVALUATE, { cwd })
  expect(base).toMatchObject({ queries: 8, documents: 8, engine: 'cpu' })
  expect(base.metrics).toStrictEqual({ base: trained.metrics.base })
  expect(base).not.toHaveProperty('difference')
  expect(Object.keys(base.metrics.base)).toEqual(
    'hit@1 hit@3 hit@5 hit@10 mrr@10 ndcg@10 recall@10 precision@10 map@100'.split(' '),
  )
  const both = await cliJson<Report>([...EVALUATE, '--adapter', 'a.json'], { cwd })
  expect(both).toMatchObject({ queries: 8, documents: 8, difference: { 'ndcg@10': { mean: expect.any(Number) } } })
  expect(both.metrics).toStrictEqual({ base: trained.metrics.base, adapted: trained.metrics.adapted })

  const { code, stdout } = await cli([...EVALUATE, '--adapter', 'a.json', '--metrics', 'ndcg@5', 'map@10'], { cwd })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^hashing\S+ on test\.json: 8 queries, 8 documents\n16 embeddings from the cache, 0 requests\n/)
  expect(
    stdout
      .split('\n')
      .slice(3, 6)
      .map(line => line.split(/ +/)[0]),
  ).toEqual(['metric', 'ndcg@5', 'map@10'])

  const { metrics } = await cliJson<Report>([...EVALUATE, '--metrics', 'ndcg@5,mrr@3', '--metrics', 'map@10'], { cwd })
  expect(Object.keys(metrics.base)).toEqual(['ndcg@5', 'mrr@3', 'map@10'])

  // Another model, and a model of the same name whose vectors have another length.
  const wrong = await cli([...EVALUATE, '--dimensions', '16', '--adapter', 'a.json', '--json'], { cwd })
  expect(wrong.code).toBe(1)
  expect(JSON.parse(wrong.stdout).error).toMatchObject({
    code: 'ADAPTER_MISMATCH',
    message: expect.stringMatching(/was trained on "hashing\S+@32".*is "hashing\S+@16".*--allow-mismatch/),
  })
  const forced = await cli([...EVALUATE, '--dimensions', '16', '--adapter', 'a.json', '--allow-mismatch'], { cwd })
  expect(forced).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*\b32\b.*\b16\b|\b16\b.*\b32\b/m) })
})

test.concurrent('evaluate reads one split of a BEIR folder, and asks for it where there are several', async () => {
  const beir = folderWith({
    'b/corpus.jsonl': '{"_id":"d1","text":"open the cover"}\n{"_id":"d2","text":"turn the key"}\n',
    'b/queries.jsonl': '{"_id":"q1","text":"cover"}\n{"_id":"q2","text":"key"}\n',
    'b/qrels/dev.tsv': 'q1\td1\t1\n',
    'b/qrels/test.tsv': 'q1\td1\t1\nq2\td2\t1\n',
  })
  const asked = await cli(['evaluate', '--base', 'hashing', '--data', 'b'], { cwd: beir })
  expect(asked).toMatchObject({ code: 2, stderr: expect.stringMatching(/several splits: dev, test.*--split/) })
  const report = await cliJson(['evaluate', '--base', 'hashing', '--data', 'b', '--split', 'test'], { cwd: beir })
  expect(report).toMatchObject({ queries: 2, documents: 2 })
})

test.concurrent.each([
  ['--metrics', ['evaluate', '--data', 'train.json', '--metrics', 'ndcg@5', 'foo@3']],
  ['--metric of train', ['--train', 'train.json', '--metric', 'ndcg']],
])('an unknown metric in %s is refused before anything is read or embedded', async (_, args) => {
  const empty = folderWith({ 'train.json': 'not even JSON' })
  const { code, stderr } = await cli([...args, '--base', 'openai'], { cwd: empty })
  expect(code).toBe(2)
  expect(stderr).toMatch(/^error: "(foo@3|ndcg)" is not a metric; expected name@k/)
})

test.concurrent.each([
  ['is missing', 'none.json', /adapter file none\.json: there is no such file/],
  [
    'is a data set',
    'test.json',
    /test\.json: has no "format", but this reads "adapter-train\/1" and "adapter-train\/2" adapter files/,
  ],
])('evaluate with an adapter file that %s fails before anything is embedded', async (_, adapter, message) => {
  const { code, stderr } = await cli(['evaluate', '--data', 'test.json', '--adapter', adapter], { cwd })
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
})
