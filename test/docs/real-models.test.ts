import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, textOf } from './pages.js'

const { sectionIn } = await import(join(ROOT, 'bench/page.mjs'))
const { pairsOf, ROWS, sectionsOf, summaryOf, tableOf } = await import(join(ROOT, 'bench/real/table.mjs'))
interface Place {
  readonly model: string
  readonly set: string
}

const results = JSON.parse(readFileSync(join(ROOT, 'bench/real/results.json'), 'utf8'))

describe('the page on real models', () => {
  test('has the figures of the file that the benchmark wrote, and no others', () => {
    expect(sectionIn(textOf('docs/real-models.md'), 'tables')).toBe(sectionsOf(results))
  })

  test.each<[string, string]>(pairsOf(results))('has every row that was run on %s, %s', (model, set) => {
    const rows = results.rows.filter((row: { model: string; set: string }) => row.model === model && row.set === set)
    expect(rows.length).toBeGreaterThan(5)
    expect(tableOf(results, model, set)).toHaveLength(rows.length + 2)
    for (const { row, 'ndcg@10': ndcg } of rows) {
      expect(Object.keys(ROWS)).toContain(row)
      expect(ndcg.low).toBeLessThanOrEqual(ndcg.mean)
      expect(ndcg.mean).toBeLessThanOrEqual(ndcg.high)
    }
  })

  test('is of vectors that are those of sentence-transformers', () => {
    expect(results.models.map(({ model, set }: Place) => `${model}/${set}`).sort()).toEqual(
      pairsOf(results)
        .map((pair: string[]) => pair.join('/'))
        .sort(),
    )
    for (const { parity } of results.models) expect(parity.leastCosine).toBeGreaterThan(0.9999)
  })

  test('has the scores that a training run reports itself', () => {
    const reported = results.rows.filter((row: { reported?: number }) => row.reported !== undefined)
    expect(reported.length).toBeGreaterThan(1)
    for (const row of reported) expect(row['ndcg@10'].mean).toBeCloseTo(row.reported, 6)
  })
})

test.each(['README.md', 'docs/how-it-compares.md'])('%s has the short table of the same file', page => {
  expect(sectionIn(textOf(page), 'real models')).toBe(summaryOf(results))
})

test('figures in the prose of the page on real models are in its tables', () => {
  const page = textOf('docs/real-models.md')
  const [prose, tables] = page.split('<!-- tables -->')
  for (const [figure] of prose.matchAll(/(?<![\d.])0?\.\d{3,4}(?=[\s,;)])/g)) {
    if (figure !== '.9999') expect(tables).toContain(`| 0${figure.replace(/^0/, '')}`)
  }
})

test('the benchmark of real models asks for the packages it names', () => {
  expect(existsSync(join(ROOT, 'bench/real/real.py'))).toBe(true)
  const wanted = readFileSync(join(ROOT, 'bench/real/requirements.txt'), 'utf8')
  for (const name of ['torch', 'sentence-transformers', 'llama-index-finetuning']) {
    const [, pinned] = new RegExp(`^${name}==(.+)$`, 'm').exec(wanted) ?? []
    expect(results.packages[name]).toBe(pinned)
  }
})
