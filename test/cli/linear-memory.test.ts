import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { createRandom } from '../../src/math/random.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { cli, cliJson, folderWith, startCli } from './cli.js'

const D = 8
const [CLUSTERS, TRAINED, TESTED] = [30, 5, 2]

/** A folder `v` of vectors: like queries ask for the same document, which lies anywhere. */
function clustered(): string {
  const random = createRandom(1)
  const centers = randomMatrix(CLUSTERS, D, 2).data
  const near = (each: number) =>
    Float32Array.from(
      { length: CLUSTERS * each * D },
      (_, k) => centers[Math.floor(k / D / each) * D + (k % D)] + 0.15 * random.normal(),
    )
  const pairs = (each: number) => Array.from({ length: CLUSTERS * each }, (_, i) => [i, Math.floor(i / each)])
  const docs = randomMatrix(2 * CLUSTERS, D, 3).data
  return folder(near(TRAINED), pairs(TRAINED), docs, near(TESTED), pairs(TESTED))
}

/** Queries that are their documents: nothing can be better. */
function perfect(): string {
  const docs = randomMatrix(60, D, 4).data
  const pairs = Array.from({ length: 40 }, (_, i) => [i, i])
  const tested = Array.from({ length: 20 }, (_, i) => [i, 40 + i])
  return folder(docs.slice(0, 40 * D), pairs, docs, docs.slice(40 * D), tested)
}

function folder(
  queries: Float32Array,
  pairs: number[][],
  docs: Float32Array,
  tested: Float32Array,
  testPairs: number[][],
): string {
  const cwd = folderWith({ 'v/shape.json': { dim: D }, 'v/pairs.json': pairs, 'v/test_pairs.json': testPairs })
  for (const [name, values] of Object.entries({ queries, docs, test_queries: tested })) {
    writeFileSync(join(cwd, `v/${name}.f32`), Buffer.from(values.buffer, values.byteOffset, values.byteLength))
  }
  return cwd
}

const QUICK = ['--negatives', 'positives', '--scale', '8', '--pull', '30', '--epochs', '8']
const TRAIN = ['train', '--base', 'vectors', '--vectors', 'v', '--quiet', ...QUICK]
const MEMORY = [...TRAIN, '--kind', 'linear-memory']

interface Report {
  readonly adapter: string
  readonly metrics: { readonly base: Record<string, number>; readonly adapted: Record<string, number> }
  readonly gate?: object
  readonly memory?: Record<string, number | boolean>
  readonly memoryHint?: number
}

describe.concurrent('--kind linear-memory', () => {
  test('saves a memory where it pays, says what it costs, and evaluates to the same figures; linear tells of it', async () => {
    const cwd = clustered()
    const [report, linear] = await Promise.all([
      cliJson<Report>([...MEMORY, '--out', 'm.json'], { cwd }),
      cliJson<Report>([...TRAIN, '--out', 'l.json'], { cwd }),
    ])
    const n = CLUSTERS * TRAINED
    expect(report).toMatchObject({
      kind: 'linear-memory',
      gate: { kept: true, passed: true },
      memory: {
        chosen: true,
        onIdentity: false,
        queries: n,
        distinct: n,
        multiplyAdds: D * D + 2 * n * D,
        bytes: 4 * (D * D + D + 2 * n * D + 5),
      },
    })
    expect(report.memory!.gain).toBeGreaterThan(report.memory!.standardError as number)
    expect(report.memory!.microseconds).toBeGreaterThan(0)
    expect(report.metrics.adapted['ndcg@10']).toBeGreaterThan(linear.metrics.adapted['ndcg@10'] + 0.05)
    expect(linear.memoryHint).toBeGreaterThan(0.01)

    const adapter = loadAdapter(join(cwd, 'm.json'))
    expect(adapter).toMatchObject({ kind: 'linear-memory', params: { keys: { rows: n, cols: D } } })
    const evaluated = await cliJson<Report>(['evaluate', '--base', 'vectors', '--vectors', 'v', '--adapter', 'm.json'], {
      cwd,
    })
    expect(evaluated.metrics.adapted['ndcg@10']).toBe(report.metrics.adapted['ndcg@10'])
    const inspected = await cli(['inspect', 'm.json'], { cwd })
    expect(inspected.stdout).toContain(`linear-memory (W 8 x 8, b 1 x 8, keys ${n} x 8, values ${n} x 8, gate 1 x 5)`)
  })

  test('gives the same file every time, also with fewer remembered queries, and prints what it found', async () => {
    const cwd = clustered()
    const runs = await Promise.all(['a.json', 'b.json'].map(out => cli([...MEMORY, '--size', '100', '--out', out], { cwd })))
    for (const { code, stdout } of runs) {
      expect(code).toBe(0)
      expect(stdout).toMatch(/^memory {5}\+0\.\d{4} out-of-fold ndcg@10 \(standard error .*\) beside linear, beta /m)
      expect(stdout).toMatch(/^ {11}100 queries of 150, .* MB of weights; a query costs .* microseconds here$/m)
    }
    const [a, b] = ['a.json', 'b.json'].map(name => loadAdapter(join(cwd, name)))
    expect(a.params.keys.rows).toBe(100)
    expect(b.params).toEqual(a.params)
  })

  test('saves plain linear where no memory is better, saying so, with --tune off as well', async () => {
    const cwd = perfect()
    const [kept, off] = await Promise.all([
      cli([...MEMORY, '--no-gate', '--out', 'kept.json'], { cwd }),
      cli([...MEMORY, '--tune', 'off', '--out', 'off.json'], { cwd }),
    ])
    for (const { code, stdout } of [kept, off]) {
      expect(code).toBe(0)
      expect(stdout).toMatch(/^memory {5}none, plain linear: the best one changes .* not significant$/m)
    }
    for (const name of ['kept.json', 'off.json']) {
      const adapter = loadAdapter(join(cwd, name))
      expect(adapter.kind).toBe('linear')
      expect(Object.keys(adapter.params)).toEqual(['W', 'b'])
    }
  })

  test('rejects both where neither linear nor a memory is proven', async () => {
    const cwd = perfect()
    const { code, stdout } = await cli([...MEMORY, '--out', 'i.json'], { cwd })
    expect(code).toBe(3)
    expect(stdout).toMatch(/^gate {7}rejected/m)
    expect(loadAdapter(join(cwd, 'i.rejected.json')).kind).toBe('linear')
    expect(existsSync(join(cwd, 'i.json'))).toBe(false)
  })

  test('--tune off with a memory that pays keeps it', async () => {
    const cwd = clustered()
    const report = await cliJson<Report>([...MEMORY, '--tune', 'off', '--out', 'o.json'], { cwd })
    expect(report.memory).toMatchObject({ chosen: true })
    expect(loadAdapter(join(cwd, 'o.json')).kind).toBe('linear-memory')
  })

  test('killed in training, a run with a checkpoint goes on to the same memory without choosing again', async () => {
    const cwd = clustered()
    const args = [...MEMORY.filter(arg => arg !== '--quiet'), '--verbose', '--epochs', '40', '--out']
    const whole = cli([...args, 'whole.json'], { cwd })
    const { child, ended } = startCli([...args, 'c.json', '--checkpoint', 'c.bin'], { cwd })
    let stderr = ''
    child.stderr!.on('data', chunk => {
      stderr += chunk
    })
    while (!stderr.includes('epoch 2') && child.exitCode === null) await sleep(2)
    child.kill('SIGKILL')
    expect(await ended).toMatchObject({ signal: 'SIGKILL' })
    const resumed = await cli([...args, 'c.json', '--checkpoint', 'c.bin'], { cwd })
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining('resuming from c.bin after epoch') })
    expect(resumed.stderr).not.toContain('tried ')
    expect((await whole).code).toBe(0)
    const [a, b] = ['c.json', 'whole.json'].map(name => loadAdapter(join(cwd, name)))
    expect(a.kind).toBe('linear-memory')
    expect(a.params).toEqual(b.params)
  })
})
