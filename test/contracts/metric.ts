import { describe, expect, test } from 'vitest'
import { createEvaluator } from '../../src/evaluate/evaluator.js'
import { METRIC_NAMES, parseMetric } from '../../src/evaluate/metrics.js'
import { createRandom, permutation } from '../../src/math/random.js'
import { embedded } from '../helpers/embedded.js'
import { rounds } from '../helpers/rounds.js'

/** Rankings of up to eight documents with several positives and grades; some documents were not retrieved. */
const RANKINGS = Array.from({ length: rounds(60) }, (_, seed) => {
  const random = createRandom(seed)
  const grades = Array.from({ length: 1 + random.int(8) }, () => Math.max(0, random.int(5) - 2))
  const missed = Array.from({ length: random.int(3) }, () => 1 + random.int(2))
  const relevant = [...grades.filter(grade => grade > 0), ...missed].sort((a, b) => b - a)
  return { grades, relevant: relevant.length > 0 ? relevant : [1] }
})

/**
 * What every metric must do: lie between 0 and 1, give 0 where nothing relevant was found and the most to the ideal ranking, never fall
 * when a better document moves up, look no further than the cut-off, and, measured by the evaluator, break ties by document id.
 *
 * @param name a name in the registry
 */
export function metricContract(name: string): void {
  const score = (grades: readonly number[], relevant: readonly number[], k: number): number =>
    parseMetric(`${name}@${k}`).metric.score({ grades, relevant }, k)

  describe(`metric ${name}`, () => {
    test('is registered under its name and says what it is', () => {
      expect(METRIC_NAMES).toContain(name)
      expect(parseMetric(`${name}@3`)).toMatchObject({
        spec: `${name}@3`,
        metric: { name, description: expect.stringMatching(/^\S.*[^.]$/) },
      })
    })

    test.each([1, 2, 5, 100])('lies between 0 and 1 at %d, and is highest for the ideal ranking', k => {
      for (const { grades, relevant } of RANKINGS) {
        const [found, ideal] = [score(grades, relevant, k), score(relevant, relevant, k)]
        expect(found).toBeGreaterThanOrEqual(0)
        expect(found).toBeLessThanOrEqual(ideal + 1e-12)
        expect(ideal).toBeGreaterThan(0)
        expect(ideal).toBeLessThanOrEqual(1 + 1e-12)
      }
    })

    test('is 0 where nothing relevant was found, or nothing at all', () => {
      for (const k of [1, 5]) {
        expect(score([0, 0, 0], [2, 1], k)).toBe(0)
        expect(score([], [1], k)).toBe(0)
      }
    })

    test('does not fall when two neighbours change places so that the better one is first', () => {
      for (const { grades, relevant } of RANKINGS) {
        for (let r = 1; r < grades.length; r++) {
          if (grades[r] <= grades[r - 1]) continue
          const better = grades.with(r - 1, grades[r]).with(r, grades[r - 1])
          for (const k of [1, 3, 8]) expect(score(better, relevant, k)).toBeGreaterThanOrEqual(score(grades, relevant, k) - 1e-12)
        }
      }
    })

    test('counts each of several positives that it lets in at most once', () => {
      for (const { grades, relevant } of RANKINGS) {
        const k = grades.length
        expect(score([...grades, 0, 0], relevant, k)).toBe(score(grades, relevant, k))
        expect(score(grades, relevant, k)).toBe(score([...grades], [...relevant], k))
      }
    })

    test('does not look beyond the cut-off, and takes ranks without a document as not relevant', () => {
      for (const { grades, relevant } of RANKINGS) {
        for (const k of [1, 2, 4]) {
          const cut = grades.slice(0, k)
          const expected = score(cut, relevant, k)
          const beyond = grades.map((grade, r) => (r < k ? grade : 0))
          expect(score(beyond, relevant, k)).toBe(expected)
          expect(score([...cut, ...new Array<number>(k).fill(0)], relevant, k)).toBe(expected)
        }
      }
    })

    test('breaks ties by document id, whatever the order of the corpus', () => {
      const ids = ['d3', 'd1', 'd4', 'd2', 'd0']
      const means = Array.from({ length: 6 }, (_, seed) => {
        const order = [...permutation(ids.length, createRandom(seed))]
        const data = embedded({
          queries: [[1, 0]],
          docs: order.map(() => [1, 0]),
          docIds: order.map(i => ids[i]),
          positives: [order.flatMap((i, row) => (ids[i] === 'd1' || ids[i] === 'd4' ? [row] : []))],
        })
        return createEvaluator(data, [`${name}@2`]).evaluate(data.queries).mean[`${name}@2`]
      })
      const grades = ids.toSorted().map(id => (id === 'd1' || id === 'd4' ? 1 : 0))
      const byId = [score(grades, [1, 1], 2), score(grades.toReversed(), [1, 1], 2)]
      expect(new Set(means).size).toBe(1)
      expect(byId).toContain(means[0])
    })
  })
}
