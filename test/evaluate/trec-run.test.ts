import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { evaluateRun, formatRun, judgementsOf, readRun } from '../../src/evaluate/trec-run.js'

const root = mkdtempSync(join(tmpdir(), 'adapter-train-run-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Fixture {
  readonly qrels: Record<string, Record<string, number>>
  readonly run: readonly string[]
  readonly perQuery: Record<string, Record<string, number>>
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/trec-runs.json', import.meta.url), 'utf8')) as Fixture
const MEASURES = {
  ndcg_cut_10: 'ndcg@10',
  recall_10: 'recall@10',
  P_10: 'precision@10',
  map_cut_100: 'map@100',
  success_5: 'hit@5',
  recip_rank: 'mrr@10',
}

function write(lines: readonly string[]): string {
  const path = join(root, 'run.trec')
  writeFileSync(path, lines.join('\n'))
  return path
}

test('has the figures of trec_eval, with ties, grades and queries that the run lacks', () => {
  const queryIds = Object.keys(fixture.qrels)
  const grades = queryIds.map(id => new Map(Object.entries(fixture.qrels[id]).filter(([, grade]) => grade > 0)))
  const { perQuery } = evaluateRun(readRun(write(fixture.run)), { queryIds, grades }, Object.values(MEASURES))
  for (const [i, id] of queryIds.entries()) {
    for (const [measure, spec] of Object.entries(MEASURES)) {
      expect(perQuery[spec][i], `${id} ${spec}`).toBeCloseTo(fixture.perQuery[id]?.[measure] ?? 0, 6)
    }
  }
})

test('counts documents judged not relevant as judged, and as nothing else', () => {
  const run = new Map([['q', ['no', 'yes', 'unknown', 'no too']]])
  const data = {
    queryIds: ['other', 'q'],
    docIds: ['yes', 'no', 'unknown', 'no too'],
    positives: [new Map(), new Map([[0, 2]])],
    judgedNegatives: [[], [1, 3]],
  }
  const { mean } = evaluateRun(run, judgementsOf(data, Uint32Array.of(1)), ['judged@4', 'precision@4', 'recall@4'])
  expect(mean).toEqual({ 'judged@4': 0.75, 'precision@4': 0.25, 'recall@4': 1 })
})

test('writes scores that keep the order of the ranking', () => {
  const scores = Float32Array.of(0.5, Math.fround(0.5 - 2 ** -25), 0.25)
  const text = formatRun(['q'], ['a', 'b', 'c'], { k: 3, rows: Uint32Array.of(2, 0, 1), scores }, 'base')
  expect(text).toBe('q Q0 c 1 0.500000000 base\nq Q0 a 2 0.499999970 base\nq Q0 b 3 0.250000000 base\n')
  expect(readRun(write([text])).get('q')).toEqual(['c', 'a', 'b'])
})

test('refuses what is no run, with the line', () => {
  expect(() => readRun(write(['q Q0 d 1 0.5']))).toThrow(/run\.trec:1: not a line of a TREC run/)
  expect(() => readRun(write(['q Q0 d 1 0.5 t', 'q Q0 d 2 0.4 t']))).toThrow(/:2: document "d" of query "q" is there twice/)
  expect(() => readRun(write(['']))).toThrow(/the run is empty/)
  expect(() => formatRun(['a b'], [], { k: 0, rows: new Uint32Array(), scores: new Float32Array() }, 't')).toThrow(
    /the id "a b" is empty or holds white space/,
  )
})
