import { expect, test } from 'vitest'
import { createJsEngine } from '../../src/engines/js.js'
import { sampleScores } from '../../src/evaluate/sample-scores.js'
import { embedded } from '../helpers/embedded.js'

const engine = createJsEngine()
const docs = [
  [2, 0],
  [0, 1],
  [3, 4],
]

test('the nearest positive and the hardest negative of each query, by cosine', async () => {
  const data = embedded({
    docs,
    queries: [
      [1, 0],
      [0, 5],
    ],
    positives: [[1, 2], [1]],
  })
  const { positives, hardestNegatives } = await sampleScores(engine, data.queries, data, data.positives)
  expect(Array.from(positives, x => Number(x.toFixed(6)))).toEqual([0.6, 1])
  expect(Array.from(hardestNegatives, x => Number(x.toFixed(6)))).toEqual([1, 0.8])
})

test('a query to which every document is relevant has no negative and is left out', async () => {
  const queries = [
    [1, 0],
    [0, 1],
  ]
  const data = embedded({ docs, queries, positives: [[0, 1, 2], [1]] })
  const { positives, hardestNegatives } = await sampleScores(engine, data.queries, data, data.positives)
  expect([positives.length, hardestNegatives.length]).toEqual([1, 1])
  expect(hardestNegatives[0]).toBeCloseTo(0.8, 6)
})
