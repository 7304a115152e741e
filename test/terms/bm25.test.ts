import { expect, test } from 'vitest'
import { collectPostings, createBm25 } from '../../src/terms/bm25.js'
import fixture from '../fixtures/terms/bm25s.json' with { type: 'json' }

const postingsOf = (docs: readonly (readonly string[])[]) => {
  const collected = collectPostings()
  for (const words of docs) collected.add(words)
  return collected.finish()
}

test.each(fixture.runs)('equals bm25s with k1 $k1 and b $b', ({ k1, b, scores }) => {
  const search = createBm25(postingsOf(fixture.docs), { k1, b })
  fixture.queries.forEach((query, i) => {
    const found = search.scores(query)
    expect(found).toHaveLength(fixture.docs.length)
    scores[i].forEach((score, document) => {
      expect(Math.abs(found[document] - score)).toBeLessThan(1e-6)
    })
  })
})

test('scores by the formula, worked out by hand', () => {
  const search = createBm25(postingsOf([['pin', 'card', 'pin'], ['card'], []]))
  const idf = Math.log(1 + 2.5 / 1.5)
  expect(search.scores(['pin'])[0]).toBeCloseTo((idf * 2) / (2 + 1.2 * (0.25 + (0.75 * 3) / (4 / 3))), 6)
  expect(search.weight(['pin', 'unknown'])).toBeCloseTo(idf, 12)
})

test('documents without words, and none at all, score 0', () => {
  expect([...createBm25(postingsOf([[], []])).scores(['card'])]).toEqual([0, 0])
  expect([...createBm25(postingsOf([])).scores(['card'])]).toEqual([])
})

test('postings stand in the order of keys and documents', () => {
  const { keys, starts, rows, counts, lengths } = postingsOf([['a', 'b', 'a'], ['b'], ['c', 'a']])
  expect([...keys]).toEqual([...keys].sort((a, b) => a - b))
  expect([...lengths]).toEqual([3, 1, 2])
  expect(starts.at(-1)).toBe(5)
  for (let i = 0; i < keys.length; i++) {
    const list = [...rows.subarray(starts[i], starts[i + 1])]
    expect(list).toEqual([...list].sort((a, b) => a - b))
  }
  expect(counts.reduce((a, b) => a + b)).toBe(6)
})
