import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const PROOF = ['metrics', 'difference', 'wins', 'ties', 'losses', 'seen', 'unseen', 'largest']
const pick = (report: Record<string, unknown>) => Object.fromEntries(PROOF.map(key => [key, report[key]]))

const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 50, shift: 1 }),
  'test.json': shifted({ from: 40, to: 70, shift: 1, seed: 1 }),
})
const COMMON = ['--base', 'hashing', '--dimensions', '48', '--cache', 'none']
const TRAIN = [...COMMON, '--train', 'train.json', '--test', 'test.json', '--tune', 'off', '--epochs', '3']

describe.concurrent('evaluate', () => {
  test('gives the proof that train gave, and prints it as train prints it', async () => {
    const args = [...TRAIN, '--val-fraction', '0', '--out', 'a.json']
    const { metrics, ...trained } = await cliJson<{ metrics: { base: object; adapted: object } }>(args, { cwd })
    const evaluate = ['evaluate', ...COMMON, '--data', 'test.json', '--train', 'train.json', '--adapter', 'a.json']
    const report = await cliJson(evaluate, { cwd })
    const { base, adapted } = metrics
    expect(pick(report)).toEqual(pick({ ...trained, metrics: { base, adapted } }))
    expect(report).toMatchObject({ seen: { queries: 26 }, unseen: { queries: 34 } })

    const table = (stdout: string) =>
      stdout
        .slice(stdout.indexOf('\nmetric'))
        .split(/\n\n(?:adapter |with a search by words)/)[0]
        .trim()
    const [again, printed] = await Promise.all([cli(args, { cwd }), cli([...evaluate, '--memory', '10kB'], { cwd })])
    expect(printed.code).toBe(0)
    expect(table(printed.stdout)).toBe(table(again.stdout))
    expect(printed.stdout).toMatch(/^metric +base +adapted +difference +95% CI +p-value\n/m)
    expect(printed.stdout).toMatch(
      /^26 queries on seen documents \(with training queries\): ndcg@10 .* -> .* \(.* to .*, p [<=]/m,
    )
  })

  test('reads the vectors of a folder, by default its test part', async () => {
    const docs = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const folder = folderWith({
      'v/shape.json': { dim: 3 },
      'v/pairs.json': [[0, 0]],
      'v/test_pairs.json': [
        [0, 1],
        [1, 2],
      ],
    })
    const write = (name: string, rows: number[][]) =>
      writeFileSync(join(folder, 'v', `${name}.f32`), Buffer.from(Float32Array.from(rows.flat()).buffer))
    write('docs', docs)
    write('queries', [
      [0, 1, 0],
      [0, 0, 1],
    ])
    write('test_queries', [docs[1], docs[0]])
    const vectors = ['evaluate', '--base', 'vectors', '--vectors', 'v', '--engine', 'js']
    expect(await cliJson([...vectors, '--base-id', 'mine'], { cwd: folder })).toMatchObject({
      base: { id: 'mine', dimensions: 3 },
      data: { test: { queries: 2, pairs: 2, documents: 3 } },
      metrics: { base: { 'hit@1': 0.5 } },
    })
    const { code, stdout } = await cli(vectors, { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^vectors\/v on the test part of v: 2 queries, 3 documents\n\nmetric/)
  })

  test.each<[string[], RegExp]>([
    [['--base', 'vectors'], /--base vectors needs --vectors FOLDER/],
    [['--vectors', 'v', '--data', 'test.json'], /--vectors goes with --base vectors/],
    [['--base', 'vectors', '--vectors', 'v', '--data', 'x'], /drop --data$/m],
    [['--base', 'vectors', '--vectors', 'v', '--train', 'x'], /drop --train$/m],
    [[], /missing option --data; see adapter-train evaluate --help/],
    [['--data', 'test.json', '--memory', 'lots'], /memory/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await cli(['evaluate', '--base', 'hashing', ...args], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
