import { expect, test } from 'vitest'
import { compareText, planLines } from '../../src/cli/actions/compare.js'
import { styleFor } from '../../src/cli/output/style.js'
import type { CandidateReport, CompareReport } from '../../src/pipeline/compare/run-compare.js'

type PairReport = CompareReport['pairs'][number]

const coloured = styleFor({}, true)

const candidate = (name: string, rank?: CandidateReport['rank']): CandidateReport => ({
  name,
  rank,
  base: 'hashing/x@8',
  dimensions: 8,
  indexBytes: 320,
  indexBytesPerMillion: 32e6,
  costPerMillionQueries: 0,
  metrics: { 'ndcg@10': { mean: 0.5, low: 0.4, high: 0.6 } },
})

const pair = (first: string, second: string, change: Partial<PairReport>): PairReport => ({
  first,
  second,
  mean: 0.1,
  low: 0.02,
  high: 0.2,
  p: 0.01,
  holm: 0.01,
  ...change,
})

const reportOf = (candidates: CandidateReport[], pairs: PairReport[]): CompareReport => ({
  metric: 'ndcg@10',
  queries: 10,
  candidates,
  pairs,
  samples: { bootstrap: 100, randomization: 100 },
  data: { name: 'd', queries: 10, pairs: 10, documents: 10 },
  seed: 1,
  embedding: [],
  warnings: [],
  engine: 'js',
  engineReason: 'asked',
})

test('a difference is coloured where it holds after the correction for all pairs, and by its sign', () => {
  const pairs = [pair('a', 'b', {}), pair('a', 'c', { holm: 0.06 }), pair('b', 'c', { mean: -0.1, low: -0.2, high: -0.01 })]
  const text = compareText(reportOf([candidate('a', 'best'), candidate('b'), candidate('c')], pairs), 'd.json', coloured)
  expect(text).toContain('a - b                  \x1b[32m+0.1000\x1b[39m')
  expect(text).toMatch(/a - c {18}\+0\.1000 /)
  expect(text).toContain('b - c                  \x1b[31m-0.1000\x1b[39m')
  expect(text).toContain('\x1b[1m  candidate')
})

test('one candidate alone is not marked as the best of it', () => {
  const text = compareText(reportOf([candidate('alone', 'best')], []), 'd.json')
  expect(text).toMatch(/^ {2}alone /m)
  expect(text).not.toContain('*')
})

test('numbers of texts are written alike in a plan', () => {
  const plan = { base: 'b', texts: 5000, unique: 5000, cached: 1500, missing: 3500, tokens: 9999, cost: 0 }
  expect(planLines([plan])).toEqual(['5,000 distinct texts for b: 1,500 from the cache; 3,500 to embed (9,999 tokens)'])
})

test('columns that a terminal has no room for stand below, with the candidates again; a pipe gets one table', () => {
  const report = reportOf([candidate('a name of some length', 'best'), candidate('b')], [pair('a', 'b', {})])
  const table = (columns?: number) => compareText(report, 'd.json', undefined, columns).split('\n\n').slice(2, -2).join('\n\n')
  const wide = table()
  expect(wide.split('\n')).toHaveLength(3)
  expect(table(200)).toBe(wide)
  const narrow = table(60)
  expect(Math.max(...narrow.split('\n').map(line => line.length))).toBeLessThanOrEqual(60)
  expect(narrow.match(/a name of some length/g)!.length).toBeGreaterThan(1)
  const cells = (text: string) => [...new Set(text.split(/\s{2,}|\n/).map(cell => cell.trim()))].sort()
  expect(cells(narrow)).toEqual(cells(wide))
  // Narrower than two columns: one column a table, not an endless search for room.
  expect(table(10).split('\n\n')).toHaveLength(5)
})
