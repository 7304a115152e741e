import type { TrainingReport } from '../../pipeline/run-training.js'
import { formatDollars } from '../session.js'
import type { Console } from './console.js'
import { memoryLines } from './memory-lines.js'
import { count, gateLine, proofText } from './tables.js'

/**
 * Prints what came of a training run.
 * @param price of a million tokens, in US dollars
 */
export function printTraining(
  report: TrainingReport,
  path: string,
  out: Console,
  metric: string,
  price: number | undefined,
): void {
  const { base, data, metrics, kFold, test, bestEpoch, cache, seconds, tune, gate } = report
  const parts = Object.entries(data).map(
    ([name, part]) =>
      `${name} ${count(part.queries, 'query', 'queries')}, ${count(part.pairs, 'pair')}, ${count(part.documents, 'document')}${part.folds ? ` (cross-validation in ${part.folds} folds)` : ''}`,
  )
  const cost = price ? `, about ${formatDollars((cache.tokens / 1e6) * price)}` : ''
  out.result(`base       ${base.id}, ${base.dimensions} dimensions`)
  out.result(`data       ${parts.join('\n           ')}`)
  out.result(
    `embedded   ${count(cache.misses, 'text')} in ${count(cache.requests, 'request')} (${cache.tokens} tokens${cost}), ${cache.hits} from the cache`,
  )
  if (tune) {
    out.result(
      `chosen     negatives ${tune.negatives}, temperature ${tune.temperature}, c ${tune.c} of ${count(tune.tried.length, 'candidate')} in ${tune.seconds.toFixed(1)} s`,
    )
  }
  if (tune?.pseudoQueries) {
    const { count: sentences, used } = tune.pseudoQueries
    out.result(
      `pseudo     ${count(sentences, 'first sentence')} as queries for their own documents: ${used ? 'trained on too' : 'not used, they did not help out of fold'}`,
    )
  }
  out.result(
    `trained    ${report.kind}, ${count(report.epochs.length, 'epoch')}, best ${bestEpoch || 'none'}, engine ${report.engine}, ${seconds.train.toFixed(1)} s`,
  )
  for (const line of memoryLines(report, metric)) out.result(line)
  if (gate) {
    out.result(gateLine(gate, out.style))
  }
  if (report.interrupted) {
    const { afterEpoch, epochs } = report.interrupted
    out.result(out.style.yellow(`stopped    after epoch ${afterEpoch} of ${epochs}: not measured, not proven`))
  }
  if (metrics) {
    const { split } = metrics
    const [name, queries] =
      split === 'k-fold' ? [`${kFold!.folds} folds`, kFold!.queries] : [`${split} set`, data[split]!.queries]
    out.result(`\n${out.style.bold(`${name}, ${queries} queries that were not trained on`)}\n`)
    out.result(proofText({ ...report, metrics }, out.style))
  }
  if (test) {
    out.result(`\n${out.style.bold(`test set, ${count(test.queries, 'query', 'queries')}`)}\n`)
    out.result(proofText(test, out.style))
  }
  out.result(`\nadapter    ${path}`)
}
