import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { loadAdapter } from '../../src/adapters/file.js'
import { identity } from '../../src/math/matrix.js'
import { cli, cliJson, folderWith } from './cli.js'
import { noise, shifted } from './data.js'

const D = 48
const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 50, shift: 1 }),
  'same.json': shifted({ from: 50, to: 80, shift: 1 }),
  // What training says is wrong here: the queries name their document's own words.
  'contrary.json': shifted({ from: 50, to: 80, shift: 0 }),
  'noise.json': noise(50, 50, 3),
  'noise-test.json': noise(40, 50, 4),
  // Few and many labels of one kind, and queries neither has seen.
  'some.json': shifted({ from: 0, to: 20, shift: 1 }),
  'fresh.json': shifted({ from: 50, to: 80, shift: 1, seed: 2 }),
})
const COMMON = ['--base', 'hashing', '--dimensions', String(D), '--cache', 'none']
const NOISE = [...COMMON, '--train', 'noise.json', '--test-fraction', '0', '--tune-budget', '600']
const AUTO = [...COMMON, '--train', 'train.json', '--tune', 'auto', '--tune-budget', '600']
/** One candidate: quick. */
const GATED = [...AUTO, '--negatives', 'positives', '--scale', '8', '--pull', '3', '--epochs', '10']

interface Report {
  readonly data: Record<string, Record<string, number>>
  readonly adapter: string | null
  readonly rejected?: string
  readonly metrics: Record<'base' | 'adapted' | 'rejected', Record<string, number>>
  readonly duel?: Record<string, unknown> & { difference: { mean: number; low: number; high: number; p: number } }
  readonly difference: Record<string, { mean: number; low: number; high: number; p: number }>
  readonly gate: { kept: boolean; passed: boolean; reason: string; p: number; gain: number }
  readonly tune: { negatives: string; scale: number; pull: number; tried: object[]; seconds: number }
  readonly warnings: string[]
}

/** Runs with `--json`; a gated run ends with exit code 3 and its report. */
async function run(args: readonly string[], out: string) {
  const { code, stdout, stderr } = await cli([...args, '--out', out, '--json', '--quiet'], { cwd })
  const report = JSON.parse(stdout) as Report
  expect(existsSync(join(cwd, out))).toBe(report.adapter !== null)
  return { code, stderr, report, adapter: loadAdapter(join(cwd, report.rejected ?? out)) }
}

const facts = (adapter: Adapter) => adapter.training as unknown as { options: object; gate?: object }

describe.concurrent('the gate', () => {
  test('rejects noise with exit code 3 and a reason, writes nothing to --out, and the figures beside it', async () => {
    const { code, stderr, report, adapter } = await run([...NOISE, '--test', 'noise-test.json'], 'noise/a.json')
    expect(code).toBe(3)
    expect(report.gate).toEqual({
      kept: false,
      passed: false,
      reason: expect.stringMatching(
        /^out-of-fold ndcg@10 [+-].*, not significant \(50 queries prove gains from .*\); the adapter is rejected/,
      ),
      provable: expect.any(Number),
      moreLabels: expect.any(Number),
      p: expect.any(Number),
      gain: expect.any(Number),
    })
    expect(report.gate.p).toBeGreaterThanOrEqual(0.05)
    expect(report.warnings).toContain(report.gate.reason)
    expect(stderr).toContain(`warning: ${report.gate.reason}\n`)
    expect(report.data).toMatchObject({
      train: { queries: 50, pairs: 50, documents: 50 },
      validation: { queries: 50, pairs: 50, documents: 50, folds: 5 },
    })
    expect(report).toMatchObject({ adapter: null, rejected: 'noise/a.rejected.json' })
    expect(report.metrics.adapted).toEqual(report.metrics.base)
    expect(Object.keys(report.metrics.rejected)).toEqual(Object.keys(report.metrics.base))
    expect(adapter.params.W).not.toEqual(identity(D))
    expect(adapter.training).toMatchObject({ gate: report.gate, metrics: { rejected: report.metrics.rejected } })

    const evaluated = await cliJson<Report>(
      ['evaluate', '--data', 'noise-test.json', ...COMMON, '--adapter', 'noise/a.rejected.json'],
      { cwd },
    )
    expect(evaluated.metrics.adapted['ndcg@10']).toBeCloseTo(report.metrics.rejected['ndcg@10'], 6)
  })

  test('--no-gate keeps what is not proven, marked, with exit code 0 and a warning', async () => {
    const { code, stderr, report, adapter } = await run([...NOISE, '--no-gate'], 'noise/b.json')
    expect(code).toBe(0)
    expect(report.gate).toMatchObject({ kept: true, passed: false })
    expect(report.gate.reason).toMatch(/kept because the gate is off$/)
    expect(stderr).toContain(`warning: ${report.gate.reason}`)
    expect(adapter.params.W).not.toEqual(identity(D))
    expect(facts(adapter).gate).toEqual(report.gate)
  })

  test('passes an adapter that generalises, which the test set, and evaluate, then show', async () => {
    const { code, stderr, report, adapter } = await run([...AUTO, '--test', 'same.json'], 'good.json')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^warning: same\.json: too easy or too small to trust.*\n$/),
    })
    expect(report.gate).toMatchObject({ kept: true, passed: true, reason: expect.stringMatching(/, significant$/) })
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
      scale: expect.any(Number),
      pull: expect.any(Number),
      queries: 100,
      documents: 80,
      folds: 5,
      seconds: expect.any(Number),
    })
    for (const tried of report.tune.tried) {
      expect(Object.keys(tried)).toEqual(['negatives', 'scale', 'pull', 'score'])
    }
    const { negatives, scale, pull } = report.tune
    expect(report.tune.tried).toContainEqual({ negatives, scale, pull, score: expect.any(Number) })
    expect(facts(adapter).options).toMatchObject({
      tune: 'auto',
      negatives,
      scale,
      pull,
      epochs: 20,
      batchSize: 32,
      learningRate: 0.01,
      schedule: 'cosine',
      bestEpoch: 20,
      epochsRun: 20,
    })

    const evaluated = await cliJson<Report>(['evaluate', '--data', 'same.json', ...COMMON, '--adapter', 'good.json'], {
      cwd,
    })
    expect(evaluated).toStrictEqual({
      base: { id: expect.stringMatching(/^hashing\//), dimensions: D },
      data: { test: { queries: 60, pairs: 60, documents: 80 } },
      cache: { hits: 0, misses: expect.any(Number), requests: expect.any(Number), tokens: expect.any(Number) },
      queries: 60,
      documents: 80,
      metrics: { base: report.metrics.base, adapted: report.metrics.adapted },
      difference: report.difference,
      wins: 60,
      ties: 0,
      losses: 0,
      largest: { metric: 'ndcg@10', depth: 80, wins: expect.any(Array), losses: [] },
      engine: 'cpu',
      engineDescription: expect.any(String),
      engineReason: expect.any(String),
      warnings: [expect.stringMatching(/too easy or too small to trust/)],
    })
  })

  test('--min-gain asks for more than that it is proven', async () => {
    const passed = await run([...GATED, '--min-gain', '0.1'], 'min-a.json')
    expect(passed).toMatchObject({ code: 0, report: { gate: { kept: true } } })
    const { code, report, adapter } = await run([...GATED, '--min-gain', '0.99'], 'min-b.json')
    expect(code).toBe(3)
    expect(report.gate).toMatchObject({ kept: false, passed: false, p: 0, gain: passed.report.gate.gain })
    expect(report.gate.reason).toContain('below the minimum of 0.99')
    expect(adapter.params.W).toEqual(passed.adapter.params.W)
  })

  test('a validation set on which the adapter loses shuts it, a test set never does', async () => {
    const vetoed = await run([...GATED, '--val', 'contrary.json', '--test', 'same.json'], 'val.json')
    expect(vetoed.code).toBe(3)
    expect(vetoed.report.gate.reason).toMatch(/^validation split: ndcg@10 -0\.\d+, a significant loss/)
    expect(vetoed.report.data.validation).toEqual({ queries: 60, pairs: 60, documents: 80 })
    expect(vetoed.report.adapter).toBeNull()

    const { code, stderr, report, adapter } = await run([...GATED, '--test', 'contrary.json'], 'test.json')
    expect(code).toBe(0)
    expect(report.gate).toMatchObject({ kept: true, passed: true })
    expect(report.difference['ndcg@10'].high).toBeLessThan(-0.3)
    expect(stderr).toMatch(/^warning: on the test set the adapter LOSES ndcg@10: -0\.\d+ \(95% CI .*does not affect the gate/m)
    expect(adapter.params.W).not.toEqual(identity(D))
  })

  test('keeps the rejected adapter in its own kind', async () => {
    const args = [...NOISE, '--kind', 'low-rank', '--size', '4', '--pull', '10', '--negatives', 'positives', '--scale', '8']
    const { code, adapter } = await run([...args, '--epochs', '5'], 'low-rank.json')
    expect(code).toBe(3)
    expect(adapter.kind).toBe('low-rank')
  })

  test('says in the table what was tried, chosen and decided', async () => {
    const { code, stdout, stderr } = await cli([...GATED, '--test', 'same.json', '--out', 'table.json', '--verbose'], {
      cwd,
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^tried positives, scale 8, pull 3: out-of-fold ndcg@10 0\.\d{4}$/m)
    expect(stdout).toMatch(/^ {11}validation 100 queries, 100 pairs, 80 documents \(cross-validation in 5 folds\)$/m)
    expect(stdout).toMatch(/^selected +negatives=positives scale=8 pull=3 \(1 candidate, \d+\.\d s\)$/m)
    expect(stdout).toMatch(/^gate +passed: out-of-fold ndcg@10 \+0\.\d{4} \(p < 0\.001\), significant$/m)
    expect(stdout).toMatch(/^ndcg@10 by query: \d+ better, \d+ the same, \d+ worse$/m)
    expect(stdout).toMatch(
      /^12 queries on seen documents \(with training queries\): ndcg@10 0\.\d{4} -> 0\.\d{4} \(.*\)\n48 queries on unseen documents \(no training queries\): /m,
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
      kind: 'linear',
      negatives: 'in-batch',
      epochs: 4,
      batchSize: 128,
      learningRate: 0.001,
      schedule: 'linear',
      warmup: 0.1,
      scale: 20,
      weightDecay: 0.01,
      pull: 0,
      maxGradNorm: 1,
      seed: 42,
      metric: 'ndcg@10',
      patience: 5,
      tune: 'off',
      engine: 'js',
      bestEpoch: expect.any(Number),
      epochsRun: 4,
    })
    expect(report).not.toHaveProperty('tune')
    expect(report).not.toHaveProperty('gate')
    expect(facts(adapter)).not.toHaveProperty('gate')
  })

  test('off with --gate proves exactly those options', async () => {
    const args = [...COMMON, '--train', 'noise.json', '--test-fraction', '0', '--tune', 'off', '--gate', '--epochs', '2']
    const { code, report } = await run(args, 'gate-only.json')
    expect(code).toBe(3)
    expect(report.tune.tried).toMatchObject([{ negatives: 'in-batch', scale: 20, pull: 0 }])
    expect(report.gate).toMatchObject({ kept: false })
    expect(report).toMatchObject({ adapter: null, rejected: 'gate-only.rejected.json' })
  })

  test('auto leaves the options that are given as they are', async () => {
    const given = ['--scale', '20', '--negatives', 'in-batch', '--epochs', '3', '--lr', '0.02', '--batch-size', '16']
    const { report, adapter } = await run([...AUTO, '--test-fraction', '0', '--no-gate', ...given], 'fixed.json')
    expect(facts(adapter).options).toMatchObject({
      tune: 'auto',
      scale: 20,
      negatives: 'in-batch',
      epochs: 3,
      learningRate: 0.02,
      batchSize: 16,
      pull: report.tune.pull,
      schedule: 'cosine',
      warmup: 0.05,
    })
    expect(report.tune.tried.length).toBeGreaterThan(1)
    for (const tried of report.tune.tried) expect(tried).toMatchObject({ negatives: 'in-batch', scale: 20 })
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
    expect(new Set(report.tune.tried.map(tried => (tried as { pull: number }).pull)).size).toBe(report.tune.tried.length)
    expect(facts(adapter).options).toMatchObject({ kind: 'ridge', pull: report.tune.pull })
    expect(report).toMatchObject({ kind: 'ridge', epochs: [{ epoch: 1 }] })
    expect(report.difference['ndcg@10'].low).toBeGreaterThan(0)
  })

  test.each([
    ['a size where the kind has none', ['--size', '3'], 2, /"size": the adapter kind "linear" has no size, found 3/],
    ['--min-gain without a gate', ['--tune', 'off', '--min-gain', '0.1'], 2, /^error: --min-gain .*--tune auto or --gate/],
    ['patience of a search', ['--patience', '3'], 2, /^error: --patience has no effect with --tune auto, .*add --tune off/],
    ['an epoch of a closed form', ['--kind', 'ridge', '--epochs', '3'], 2, /^error: --epochs has no effect with --kind ridge/],
    ['no time', ['--tune-budget', '0'], 2, /--tune-budget must be a number above 0/],
  ])('%s is refused before anything is searched', async (_, args, code, message) => {
    const result = await cli([...AUTO, ...args, '--quiet'], { cwd })
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })
})

/** Runs one after the other to one file. */
async function sequence(out: string, ...runs: readonly (readonly string[])[]) {
  const results: Awaited<ReturnType<typeof run>>[] = []
  for (const args of runs) results.push(await run(args, out))
  return results
}
const sha256 = (name: string) =>
  createHash('sha256')
    .update(readFileSync(join(cwd, name)))
    .digest('hex')
const SOME = [...GATED.map(word => (word === 'train.json' ? 'some.json' : word)), '--no-gate', '--test', 'fresh.json']
const MANY = [...GATED, '--test', 'fresh.json']

describe.concurrent('an adapter in use', () => {
  test('stays byte for byte when a run on noise is rejected', async () => {
    await run(MANY, 'use/x.json')
    const before = sha256('use/x.json')
    const { code, report } = await run(NOISE, 'use/x.json')
    expect(code).toBe(3)
    expect(report).toMatchObject({ adapter: 'use/x.json', rejected: 'use/x.rejected.json' })
    expect(report).not.toHaveProperty('duel')
    expect(sha256('use/x.json')).toBe(before)
  })

  test('is replaced by a better one, measured on queries new to both, and kept in the history', async () => {
    const [first, second] = await sequence('better/x.json', SOME, [...MANY, '--replace', 'significant'])
    expect([first.code, second.code]).toEqual([0, 0])
    expect(second.report.duel).toMatchObject({ rule: 'significant', replaces: true, queries: 60, metric: 'ndcg@10' })
    expect(second.report.duel!.difference.low).toBeGreaterThan(0)
    const { versions } = await cliJson<{ versions: object[] }>(['history', 'better/x.json'], { cwd })
    expect(versions).toMatchObject([{ inUse: true }, { version: 1, replaced: { reason: second.report.duel!.reason } }])
    const { code, stdout } = await cli(['rollback', 'better/x.json'], { cwd })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'better/x.json is version 1 again; what was in use stays in the history\n',
    })
    expect(loadAdapter(join(cwd, 'better/x.json'))).toEqual(first.adapter)
  })

  test('keeps its place against one that is significantly worse, with exit code 3 and the rule that decided', async () => {
    const [, second] = await sequence('worse/x.json', MANY, SOME)
    expect(second.code).toBe(3)
    expect(second.report.duel).toMatchObject({ rule: 'unless-worse', replaces: false })
    expect(second.report.duel!.difference.high).toBeLessThan(0)
    expect(second.report.duel!.reason).toMatch(/^against the adapter in use, on 60 queries .*unless-worse: not replaced$/)
    expect(second.report).toMatchObject({ adapter: 'worse/x.json', rejected: 'worse/x.rejected.json' })
    const { code } = await cli([...SOME, '--replace', 'always', '--out', 'worse/x.json'], { cwd })
    expect(code).toBe(0)
  })

  test('gives way without a comparison if its base has other dimensions, or too few queries are new to both', async () => {
    const [, second] = await sequence('base/x.json', SOME, [...MANY, '--dimensions', '32'])
    expect(second).toMatchObject({ code: 0, report: { duel: { queries: 0, replaces: true } } })
    expect(second.report.duel!.reason).toMatch(/^not compared with the adapter in use: its base is hashing/)
    const [, few] = await sequence('few/x.json', MANY, [...GATED, '--test', 'same.json', '--train', 'same.json'])
    expect(few.report.duel!.reason).toMatch(/: 0 held-out queries are new to both, expected at least 20$/)
  })

  test('that cannot be read is replaced with a warning', async () => {
    writeFileSync(join(cwd, 'damaged.json'), '{}')
    const { code, stderr } = await cli([...SOME, '--quiet', '--out', 'damaged.json'], { cwd })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: not compared with damaged\.json: .*format/m)
  })
})
