import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const data = shifted({ from: 50, to: 80, shift: 1 })
const rows = Object.entries(data.queries).map(([id, query], i) => ({
  query_id: id,
  query,
  document: data.corpus[data.relevant_docs[id][0]],
  language: i % 3 ? 'en' : 'de',
}))
const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 50, shift: 1 }),
  'test.json': data,
  'test.jsonl': rows.map(row => JSON.stringify(row)).join('\n'),
})
const BASE = ['--base', 'hashing', '--dimensions', '48', '--cache', 'none']
const FILES = ['--data', 'test.json', '--adapter']
await cli(
  [
    'train',
    ...BASE,
    '--train',
    'train.json',
    '--tune',
    'off',
    '--epochs',
    '20',
    '--lr',
    '0.02',
    '--no-gate',
    '--out',
    'good.json',
  ],
  { cwd },
)
const good = loadAdapter(join(cwd, 'good.json'))
const { W } = good.params
saveAdapter({ ...good, params: { ...good.params, W: { ...W, data: W.data.map(w => -w) } } }, join(cwd, 'bad.json'))

interface Report {
  readonly checks: readonly { passed: boolean; message: string }[]
  readonly against: { difference: Record<string, { mean: number }> }
  readonly segments: readonly { value: string; queries: number }[]
  readonly metrics: { base: Record<string, number>; adapted: Record<string, number> }
  readonly runs: { base: string; adapted: string }
}

describe.concurrent('checks', () => {
  test('end with exit code 4 and one sentence when the adapter is significantly worse', async () => {
    const { code, stderr } = await cli(['evaluate', ...BASE, ...FILES, 'bad.json', '--fail-if-worse', '--against', 'good.json'], {
      cwd,
    })
    expect(code).toBe(4)
    expect(stderr).toMatch(/^error: significantly worse: ndcg@10 -0\.\d{4} against good.json \(95% CI .*\)$/m)
  })

  test('end with 0 for a good one, also in every segment and against another', async () => {
    const args = ['evaluate', ...BASE, '--data', 'test.jsonl', '--adapter', 'good.json', '--fail-if-worse']
    const report = await cliJson<Report>([...args, '--by', 'language', '--against', 'bad.json'], { cwd })
    expect(report.segments.map(({ value, queries }) => [value, queries])).toEqual([
      ['en', 40],
      ['de', 20],
    ])
    expect(report.checks).toHaveLength(3)
    expect(report.checks.every(({ passed }) => passed)).toBe(true)
    expect(report.against.difference['ndcg@10'].mean).toBeGreaterThan(0.2)
  })

  test('hold a minimum, and write JUnit XML', async () => {
    const args = ['evaluate', ...BASE, ...FILES, 'good.json', '--require', 'ndcg@10=0.1,mrr@5=1', '--junit', 'junit.xml']
    const { code } = await cli(args, { cwd })
    expect(code).toBe(4)
    const xml = readFileSync(join(cwd, 'junit.xml'), 'utf8')
    expect(xml).toContain('<testsuite name="adapter-train evaluate" tests="2" failures="1">')
    expect(xml).toMatch(/name="mrr@5 of at least 1">\n {4}<failure message="mrr@5 is 0\.\d{4}, expected at least 1"\/>/)
  })

  test.each([
    [['--fail-if-worse'], /--fail-if-worse compares an adapter/],
    [['--require', 'ndcg@10'], /--require must be metric=value/],
    [['--require', 'ndcg@10=2'], /from 0 to 1/],
    [['--junit', 'x.xml'], /--junit writes the result of checks/],
  ])('refuse %j', async (words, message) => {
    const { code, stderr } = await cli(['evaluate', ...BASE, '--data', 'test.json', ...words], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  test('refuse a field that no query has', async () => {
    const args = ['evaluate', ...BASE, ...FILES, 'good.json', '--fail-if-worse', '--by', 'colour']
    const { code, stderr } = await cli(args, { cwd })
    expect({ code, stderr: /--by colour: expected a field of the queries/.test(stderr) }).toEqual({
      code: 2,
      stderr: true,
    })
  })

  test('TREC runs that evaluate writes are judged by compare with the same figures', async () => {
    const report = await cliJson<Report>(['evaluate', ...BASE, ...FILES, 'good.json', '--run-out', 'run.trec'], { cwd })
    expect(report.runs).toEqual({ base: 'run.base.trec', adapted: 'run.adapted.trec' })
    const words = ['compare', '--data', 'test.json', '--run', 'old=run.base.trec', '--run', 'new=run.adapted.trec']
    const { candidates, pairs } = await cliJson<{
      candidates: { name: string; metrics: Record<string, { mean: number }>; dimensions: number | null }[]
      pairs: { first: string; second: string; p: number }[]
    }>(words, { cwd })
    expect(candidates.map(({ name, dimensions }) => [name, dimensions])).toEqual([
      ['new', null],
      ['old', null],
    ])
    expect(candidates[0].metrics['ndcg@10'].mean).toBeCloseTo(report.metrics.adapted['ndcg@10'], 9)
    expect(candidates[1].metrics['ndcg@10'].mean).toBeCloseTo(report.metrics.base['ndcg@10'], 9)
    expect(pairs[0].p).toBeLessThan(0.001)

    const hybrid = ['hybrid', ...BASE, '--data', 'test.json', '--run', 'run.base.trec']
    const { lexical, words: found } = await cliJson<{ lexical: string; words: number }>(hybrid, { cwd })
    expect(lexical).toBe('run')
    expect(found).toBeCloseTo(report.metrics.base['ndcg@10'], 9)
    writeFileSync(join(cwd, 'twice.trec'), 'q1 Q0 d1 1 2 x\nq1 Q0 d1 2 1 x\n')
    const { code, stderr } = await cli([...hybrid.slice(0, -1), 'twice.trec'], { cwd })
    expect({ code, stderr: /twice\.trec:2: document "d1" of query "q1" is there twice/.test(stderr) }).toEqual({
      code: 1,
      stderr: true,
    })
  })
})
