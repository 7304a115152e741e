import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { loadAdapter } from '../../src/adapters/file.js'
import { identity } from '../../src/math/matrix.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { cli, cliJson, folderWith } from './cli.js'
import { noise, shifted } from './data.js'

const D = 48
const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 50, shift: 1 }),
  'same.json': shifted({ from: 50, to: 80, shift: 1 }),
  // What training says is wrong here: the queries name their document's own words.
  'contrary.json': shifted({ from: 50, to: 80, shift: 0 }),
  'noise.json': noise(50, 50, 3),
})
const COMMON = ['--dimensions', String(D), '--cache', 'none']
const NOISE = [...COMMON, '--train', 'noise.json', '--test-fraction', '0', '--tune', 'auto']
const AUTO = [...COMMON, '--train', 'train.json', '--tune', 'auto']
/** One candidate: quick. */
const GATED = [...AUTO, '--negatives', 'positives', '--scale', '8', '--pull', '3', '--epochs', '10']

interface Report {
  readonly data: Record<string, Record<string, number>>
  readonly metrics: { readonly base: Record<string, number>; readonly adapted: Record<string, number> }
  readonly difference: Record<string, { mean: number; low: number; high: number; p: number }>
  readonly gate: { kept: boolean; passed: boolean; reason: string; p: number; gain: number }
  readonly tune: { negatives: string; temperature: number; c: number; tried: object[]; seconds: number }
  readonly warnings: string[]
}

/** Runs with `--json`; a gated run ends with exit code 3 and its report. */
async function run(args: readonly string[], out: string) {
  const { code, stdout, stderr } = await cli([...args, '--out', out, '--json', '--quiet'], { cwd })
  return { code, stderr, report: JSON.parse(stdout) as Report, adapter: loadAdapter(join(cwd, out)) }
}

const facts = (adapter: Adapter) => adapter.training as unknown as { options: object; gate?: object }

function expectIdentity({ kind, params }: Adapter, d = D): void {
  expect(kind).toBe('linear')
  expect(params.W).toEqual(identity(d))
  expect(params.b.data).toEqual(new Float32Array(d))
}

describe.concurrent('the gate', () => {
  test('saves the identity for noise, marked, with exit code 3, a reason and the same figures as the base', async () => {
    const { code, stderr, report, adapter } = await run(NOISE, 'noise/a.json')
    expect(code).toBe(3)
    expect(report.gate).toEqual({
      kept: false,
      passed: false,
      reason: expect.stringMatching(/^out-of-fold ndcg@10 changes by .*cannot be told from the base; the identity map/),
      p: expect.any(Number),
      gain: expect.any(Number),
    })
    expect(report.gate.p).toBeGreaterThanOrEqual(0.05)
    expect(report.warnings[0]).toBe(report.gate.reason)
    expect(stderr).toContain(`warning: ${report.gate.reason}\n`)
    expect(report.data).toMatchObject({
      train: { queries: 50, pairs: 50, documents: 50 },
      validation: { queries: 50, pairs: 50, documents: 50, folds: 5 },
    })
    expectIdentity(adapter)
    expect(facts(adapter).gate).toEqual(report.gate)
    const queries = randomMatrix(3, D, 1)
    expect(applyAdapter(adapter, queries)).toEqual(queries)

    const evaluated = await cliJson<Report>(
      ['evaluate', '--data', 'noise.json', ...COMMON, '--adapter', 'noise/a.json'],
      { cwd },
    )
    expect(evaluated.metrics.adapted).toEqual(evaluated.metrics.base)
  })

  test('--no-gate keeps what is not proven, marked, with exit code 0 and a warning', async () => {
    const { code, stderr, report, adapter } = await run([...NOISE, '--no-gate'], 'noise/b.json')
    expect(code).toBe(0)
    expect(report.gate).toMatchObject({ kept: true, passed: false })
    expect(report.gate.reason).toMatch(/kept because the gate is switched off$/)
    expect(stderr).toContain(`warning: ${report.gate.reason}`)
    expect(adapter.params.W).not.toEqual(identity(D))
    expect(facts(adapter).gate).toEqual(report.gate)
  })

  test('passes an adapter that generalises, which the test set, and evaluate, then show', async () => {
    const { code, stderr, report, adapter } = await run([...AUTO, '--test', 'same.json'], 'good.json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(report.gate).toMatchObject({ kept: true, passed: true, reason: expect.stringMatching(/: proven$/) })
    expect(report.gate.gain).toBeGreaterThan(0.5)
    expect(facts(adapter).gate).toEqual(report.gate)
    expect(report).toMatchObject({ wins: 60, ties: 0, losses: 0, seen: { queries: 12 }, unseen: { queries: 48 } })
    const { mean, low, high, p } = report.difference['ndcg@10']
    expect(mean).toBeCloseTo(report.metrics.adapted['ndcg@10'] - report.metrics.base['ndcg@10'], 10)
    expect(low).toBeLessThan(mean)
    expect(high).toBeGreaterThan(mean)
    expect(p).toBeLessThan(0.001)
    expect(report.tune).toMatchObject({
      negatives: expect.stringMatching(/^(positives|corpus)$/),
      temperature: expect.any(Number),
      c: expect.any(Number),
      ...{ queries: 100, documents: 80, folds: 5, seconds: expect.any(Number) },
    })
    for (const tried of report.tune.tried) {
      expect(Object.keys(tried)).toEqual(['negatives', 'temperature', 'c', 'score'])
    }
    const { negatives, temperature, c } = report.tune
    expect(report.tune.tried).toContainEqual({ negatives, temperature, c, score: expect.any(Number) })
    expect(facts(adapter).options).toMatchObject({
      ...{ tune: 'auto', negatives, scale: temperature, pull: c, epochs: 20, batchSize: 32, learningRate: 0.01 },
      ...{ schedule: 'cosine', bestEpoch: 20, epochsRun: 20 },
    })

    const evaluated = await cliJson<Report>(['evaluate', '--data', 'same.json', ...COMMON, '--adapter', 'good.json'], {
      cwd,
    })
    expect(evaluated).toStrictEqual({
      base: { id: expect.stringMatching(/^hashing\//), dimensions: D },
      data: { test: { queries: 60, pairs: 60, documents: 80 } },
      cache: { hits: 0, misses: expect.any(Number), requests: expect.any(Number), tokens: expect.any(Number) },
      ...{ queries: 60, documents: 80, metrics: { base: report.metrics.base, adapted: report.metrics.adapted } },
      ...{ difference: report.difference, wins: 60, ties: 0, losses: 0 },
      largest: { metric: 'ndcg@10', depth: 80, wins: expect.any(Array), losses: [] },
      ...{ engine: 'cpu', engineDescription: expect.any(String), engineReason: expect.any(String), warnings: [] },
    })
  })

  test('--min-gain asks for more than that it is proven', async () => {
    const passed = await run([...GATED, '--min-gain', '0.1'], 'min-a.json')
    expect(passed).toMatchObject({ code: 0, report: { gate: { kept: true } } })
    const { code, report, adapter } = await run([...GATED, '--min-gain', '0.99'], 'min-b.json')
    expect(code).toBe(3)
    expect(report.gate).toMatchObject({ kept: false, passed: false, p: 0, gain: passed.report.gate.gain })
    expect(report.gate.reason).toContain('less than the asked 0.99')
    expectIdentity(adapter)
  })

  test('a validation set on which the adapter loses shuts it, a test set never does', async () => {
    const vetoed = await run([...GATED, '--val', 'contrary.json', '--test', 'same.json'], 'val.json')
    expect(vetoed.code).toBe(3)
    expect(vetoed.report.gate.reason).toMatch(
      /^on the validation set ndcg@10 changes by -0\.\d+, which is more than noise/,
    )
    expect(vetoed.report.data.validation).toEqual({ queries: 60, pairs: 60, documents: 80 })
    expectIdentity(vetoed.adapter)

    const { code, stderr, report, adapter } = await run([...GATED, '--test', 'contrary.json'], 'test.json')
    expect(code).toBe(0)
    expect(report.gate).toMatchObject({ kept: true, passed: true })
    expect(report.difference['ndcg@10'].high).toBeLessThan(-0.3)
    expect(stderr).toMatch(
      /^warning: on the test set the adapter LOSES ndcg@10: -0\.\d+ \(95 % interval .*decides nothing/,
    )
    expect(adapter.params.W).not.toEqual(identity(D))
  })

  test('of another kind leaves the linear identity too', async () => {
    const args = [
      ...NOISE,
      '--kind',
      'low-rank',
      '--size',
      '4',
      '--pull',
      '10',
      '--negatives',
      'positives',
      '--scale',
      '8',
    ]
    const { code, adapter } = await run([...args, '--epochs', '5'], 'low-rank.json')
    expect(code).toBe(3)
    expectIdentity(adapter)
  })

  test('says in the table what was tried, chosen and decided', async () => {
    const { code, stdout, stderr } = await cli([...GATED, '--test', 'same.json', '--out', 'table.json', '--verbose'], {
      cwd,
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^tried positives, temperature .*: out-of-fold ndcg@10 0\.\d{4}$/m)
    expect(stdout).toMatch(/^ {11}validation 100 queries, 100 pairs, 80 documents \(cross-validation in 5 folds\)$/m)
    expect(stdout).toMatch(/^chosen +negatives positives, temperature 8, c 3 of 1 candidate in \d+\.\d s$/m)
    expect(stdout).toMatch(/^gate +passed: out-of-fold ndcg@10 changes by \+0\.\d{4} \(p < 0\.001\): proven$/m)
    expect(stdout).toMatch(/^ndcg@10 by query: \d+ better, \d+ the same, \d+ worse$/m)
    expect(stdout).toMatch(
      /^12 queries on documents with training queries: ndcg@10 0\.\d{4} -> 0\.\d{4} \(.*\)\n48 queries on .* without any /m,
    )
    expect(stdout).toMatch(/^largest wins \(rank before -> after\)\n +\S+ -> \d+ +(clean|mend) /m)
  })
})

describe.concurrent('--tune', () => {
  test('off trains the seed recipe, exactly as the options say', async () => {
    const args = [...COMMON, '--train', 'train.json', '--epochs', '4', '--tune', 'off', '--no-gate', '--engine', 'js']
    const { code, report, adapter } = await run(args, 'seed.json')
    expect(code).toBe(0)
    expect(facts(adapter).options).toEqual({
      ...{ kind: 'linear', negatives: 'in-batch', epochs: 4, batchSize: 128, learningRate: 0.001, schedule: 'linear' },
      ...{
        warmup: 0.1,
        scale: 20,
        weightDecay: 0.01,
        pull: 0,
        maxGradNorm: 1,
        seed: 42,
        metric: 'ndcg@10',
        patience: 5,
      },
      ...{ tune: 'off', engine: 'js', bestEpoch: expect.any(Number), epochsRun: 4 },
    })
    expect(report).not.toHaveProperty('tune')
    expect(report).not.toHaveProperty('gate')
    expect(facts(adapter)).not.toHaveProperty('gate')
  })

  test('off with --gate proves exactly those options', async () => {
    const args = [
      ...COMMON,
      '--train',
      'noise.json',
      '--test-fraction',
      '0',
      '--tune',
      'off',
      '--gate',
      '--epochs',
      '2',
    ]
    const { code, report, adapter } = await run(args, 'gate-only.json')
    expect(code).toBe(3)
    expect(report.tune.tried).toMatchObject([{ negatives: 'in-batch', temperature: 20, c: 0 }])
    expect(report.gate).toMatchObject({ kept: false })
    expectIdentity(adapter)
  })

  test('auto leaves the options that are given as they are', async () => {
    const given = ['--scale', '20', '--negatives', 'in-batch', '--epochs', '3', '--lr', '0.02', '--batch-size', '16']
    const { report, adapter } = await run([...AUTO, '--test-fraction', '0', '--no-gate', ...given], 'fixed.json')
    expect(facts(adapter).options).toMatchObject({
      ...{ tune: 'auto', scale: 20, negatives: 'in-batch', epochs: 3, learningRate: 0.02, batchSize: 16 },
      ...{ pull: report.tune.c, schedule: 'cosine', warmup: 0.05 },
    })
    expect(report.tune.tried.length).toBeGreaterThan(1)
    for (const tried of report.tune.tried) expect(tried).toMatchObject({ negatives: 'in-batch', temperature: 20 })
  })

  test('auto gives the same adapter twice', async () => {
    const bytes = async (out: string) => {
      await run([...AUTO, '--negatives', 'positives', '--scale', '8', '--epochs', '5'], out)
      return readFileSync(join(cwd, out), 'utf8').replace(/"date": "[^"]+"/, '')
    }
    expect(await bytes('once.json')).toBe(await bytes('twice.json'))
  })

  test('--tune-budget cuts the search and says what', async () => {
    const { report } = await run([...AUTO, '--test-fraction', '0', '--tune-budget', '0.001', '--pull', '3'], 'cut.json')
    expect(report.tune).toMatchObject({
      cut: expect.stringMatching(/^cross-validation was cut to 8 instead of 20 epochs/),
    })
    expect(report.warnings).toContain((report.tune as { cut?: string }).cut)
    // Training itself is not cut.
    expect(report).toMatchObject({ bestEpoch: 20 })
  })

  test('auto --kind ridge chooses the pull of the closed form', async () => {
    const { code, report, adapter } = await run([...AUTO, '--kind', 'ridge', '--test', 'same.json'], 'ridge.json')
    expect(code).toBe(0)
    expect(new Set(report.tune.tried.map(tried => (tried as { c: number }).c)).size).toBe(report.tune.tried.length)
    expect(facts(adapter).options).toMatchObject({ kind: 'ridge', pull: report.tune.c })
    expect(report).toMatchObject({ kind: 'ridge', epochs: [{ epoch: 1 }] })
    expect(report.difference['ndcg@10'].low).toBeGreaterThan(0)
  })

  test.each([
    ['a size where the kind has none', ['--size', '3'], 2, /"linear" has no "size", got 3/],
    [
      '--min-gain without a gate',
      ['--tune', 'off', '--min-gain', '0.1'],
      2,
      /^error: --min-gain .*--tune auto or --gate/,
    ],
    ['no time', ['--tune-budget', '0'], 2, /--tune-budget must be a number above 0/],
  ])('%s is refused before anything is searched', async (_, args, code, message) => {
    const result = await cli([...AUTO, ...args, '--quiet'], { cwd })
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })
})
