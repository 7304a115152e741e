import type { HybridComparison } from '../../pipeline/hybrid-rows.js'
import { change, interval, metricName, pValue, score, whole } from '../format.js'
import { type Section, section, type Table } from '../page.js'

const TITLE = 'With a search by words'

/** What a search by words adds to each search by vectors, and what pays. */
export function hybridSection(hybrid: HybridComparison | string | undefined): Section | undefined {
  if (hybrid === undefined) return undefined
  if (typeof hybrid === 'string') return section('hybrid', TITLE, `Hybrid search was ${hybrid}.`)
  const { metric, queries, bm25, rows, pays } = hybrid
  const table: Table = {
    caption: `${metricName(metric)} of vectors alone, reciprocal rank fusion and a tuned hybrid`,
    head: ['vectors', 'alone', 'rank fusion', 'tuned hybrid', 'weight', 'tuned minus alone', '95% interval', 'p'],
    rows: rows.map(({ name, vectors, rrf, tuned, weight, difference: { tuned: d } }) => [
      ...[name, score(vectors), score(rrf), score(tuned), weight.toFixed(2)],
      ...[change(d.mean), interval(d), pValue(d.p)],
    ]),
  }
  const facts = `BM25 alone: ${metricName(metric)} ${score(bm25)} on ${whole(queries)} queries; weights are chosen without each query’s fold.`
  return section('hybrid', TITLE, `What pays: ${pays}.`, facts, table)
}
