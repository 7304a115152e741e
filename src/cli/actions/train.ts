import { loadAdapter } from '../../adapters/file.js'
import { readCorpus } from '../../dataset/read-corpus.js'
import { usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { type Projection, projectRows } from '../../math/projection.js'
import { checkEffects } from '../../pipeline/check-effects.js'
import { adapterWithoutLabels, type EmbeddedCorpus, embedCorpus } from '../../pipeline/corpus-step.js'
import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { checkReducible, reduceModel } from '../../pipeline/embedded-parts.js'
import type { OpenedData } from '../../pipeline/open-data.js'
import { keptProjection, runTraining } from '../../pipeline/run-training.js'
import { topScoreText } from '../../pipeline/top-score.js'
import type { FoldReport, TrainingReport, TrainingResult } from '../../pipeline/training.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { formatDollars } from '../../report/format.js'
import { removeCheckpoint } from '../../train/checkpoint.js'
import { pickOptions } from '../../train/options.js'
import { EXIT, outputOptions } from '../command.js'
import { type TrainArgs, trainCommand } from '../commands/train.js'
import { batchOptions, checkBatchArgs } from '../options/batch-options.js'
import { costOptions } from '../options/cost-options.js'
import { checkOut, defaultOut } from '../options/data-files.js'
import { providerOptions } from '../options/provider-options.js'
import { camel } from '../options/rows.js'
import { replaceOptions } from '../options/training-options.js'
import { type Console, createConsole } from '../output/console.js'
import { afterTraining } from '../output/next-steps.js'
import { adapterInUse, shipAdapter, shippedFacts, shippedText } from '../output/ship-adapter.js'
import { count, duelLine, gateLine, hybridText, memoryLines, proofText, termsLines } from '../output/tables.js'
import { type TrainingProgress, trainingProgress } from '../output/training-progress.js'
import { checkReport, trainingFacts, writeReport } from '../output/write-report.js'
import { openDataOf, withDataSession, withSession } from '../session.js'

export async function train(args: TrainArgs): Promise<number> {
  const out = createConsole(args)
  // All that can be wrong is found before the first text is embedded, which may cost money.
  parseMetric(args.metric)
  if (args.index !== undefined && args.corpus !== undefined)
    throw usageError('--corpus names the documents that are searched, which --index has; drop one')
  if (args.minGain !== undefined && args.tune === 'off' && args.gate !== true)
    throw usageError('--min-gain sets the bar of the gate; add --tune auto or --gate')
  if (args.kFold !== undefined && args.splitBy === 'time')
    throw usageError('--split-by time holds out the latest queries, and --k-fold all in turn; drop one')
  checkBatchArgs(args, '--base', args.base)
  if (args.labels === 'none') return trainWithoutLabels(args, out)
  checkEffects({ ...args, train: { ...pickOptions(args), engine: args.engine, device: args.engineDevice } })
  const { report, rejected } = await trainOn(args, out)
  if (report.interrupted) return EXIT.interrupted
  return rejected ? EXIT.rejected : EXIT.done
}

/** All that has an effect without labels. */
const WITHOUT_LABELS = [
  ...Object.keys({ ...providerOptions, ...batchOptions, ...costOptions, ...replaceOptions, ...outputOptions }),
  ...['labels', 'corpus', 'term-rows', 'pca', 'out'],
]

async function trainWithoutLabels(args: TrainArgs, out: Console): Promise<number> {
  const { corpus: file, base } = args
  const stray = Object.entries(trainCommand.options).find(([name, { default: standard }]) => {
    const value = args[camel(name) as keyof TrainArgs]
    return !WITHOUT_LABELS.includes(name) && value !== undefined && value !== standard
  })
  if (stray) throw usageError(`--${stray[0]} has no effect with --labels none, which trains and measures nothing; drop it`)
  if (file === undefined || base === 'vectors')
    throw usageError('--labels none: expected --corpus FILE and a --base that embeds its documents')
  const asked = pcaOf(args)
  const corpus = await readCorpus(file)
  return withSession(args, out, async ({ provider, ...session }) => {
    const path = args.out ?? defaultOut(provider.id)
    checkOut(path, [file])
    if (asked !== undefined) checkReducible(provider)
    const incumbent = adapterInUse(path, out)
    const kept = typeof asked === 'number' ? keptProjection(asked, provider, incumbent) : undefined
    const found = await embedCorpus(provider, corpus, session)
    try {
      const { model, documents, pca } = await reducedCorpus(provider, found, kept ?? asked)
      if (pca) out.info(reducedText(pca, kept ? path : pca === asked ? args.pca : undefined))
      const adapter = adapterWithoutLabels(model, documents, args.termRows)
      const { gate } = incumbent?.training ?? {}
      // What is unproven never takes the place of what is proven.
      const isProven = (gate as { readonly passed?: boolean } | undefined)?.passed === true
      const rejected = isProven && args.replace !== 'always' ? adapter : undefined
      const shipped = shipAdapter(path, { adapter, rejected, report: {} }, args)
      const { alpha, corpus: made } = adapter.terms!
      out.json({ ...shipped, base: adapter.base, terms: { alpha, corpus: made, proven: false } })
      out.result(`terms      words, alpha ${alpha}, from ${count(made.documents, 'document')}`)
      out.result(out.style.yellow('unproven   without labels nothing shows whether it helps; measure it with evaluate'))
      out.result(`\n${shippedText(shipped, path)}`)
      return rejected ? EXIT.rejected : EXIT.done
    } finally {
      found.close?.()
    }
  })
}

/** Reduces the documents of a corpus, and the model with them, if that is asked for. */
async function reducedCorpus(model: EmbeddingProvider, documents: EmbeddedCorpus, asked?: number | Projection) {
  if (asked === undefined) return { model, documents, pca: undefined }
  const { provider, pca } = await reduceModel(model, documents.vectors, asked)
  return { model: provider, documents: { ...documents, vectors: projectRows(documents.vectors, pca, true) }, pca }
}

/** Reads `--pca`: dimensions, or an adapter file with a projection. */
function pcaOf({ pca, index }: TrainArgs): number | Projection | undefined {
  if (pca === undefined) return undefined
  if (index !== undefined) {
    throw usageError('--pca reduces documents before they are in an index; drop it, or --index')
  }
  if (/^\d+$/.test(pca)) return Number(pca)
  const found = loadAdapter(pca).base.provider?.pca
  if (found) return found
  const problem = `expected a number of dimensions, or an adapter file with a projection, found ${pca}, which has none`
  throw usageError(`--pca: ${problem}`)
}

/** @param kept file whose projection is used */
function reducedText({ shape: [to, from] }: Projection, kept: string | undefined): string {
  const by = kept === undefined ? 'PCA of the documents' : `the projection of ${kept}, so that its index stays valid`
  return `reduced from ${from} to ${to} dimensions by ${by}`
}

async function trainOn(args: TrainArgs, out: Console): Promise<TrainingResult> {
  if (args.corpus !== undefined && args.base === 'vectors')
    throw usageError('--corpus: expected a --base that embeds its documents, found vectors')
  const pca = pcaOf(args)
  const data = await openDataOf(args, fractionsOf(args), out)
  const inputs = [...data.inputs, args.corpus]
  if (args.out !== undefined) checkOut(args.out, inputs)
  checkReport(args.report, [...inputs, args.out])
  const corpusTexts = args.corpus === undefined ? undefined : await readCorpus(args.corpus)
  return withDataSession(args, out, async session => {
    const path = args.out ?? defaultOut(data.baseId ?? session.provider!.id)
    checkOut(path, inputs)
    checkFiles(args, path, inputs)
    const progress = trainingProgress(args.metric, out)
    const incumbent = adapterInUse(path, out)
    const result = await runTraining({
      ...session,
      corpusTexts,
      pca,
      incumbent,
      ...choiceOptions(args, out, progress),
      data,
      replace: args.replace,
      onPhase: phase => {
        progress.onPhase(phase)
        if (phase === 'evaluate') session.release()
      },
    }).finally(() => progress.end())
    const used = result.adapter.base.provider?.pca
    if (used) out.info(reducedText(used, used === pca ? args.pca : used === incumbent?.base.provider?.pca ? path : undefined))
    await printResult(result, path, data, args, out, session.provider?.price)
    return result
  })
}

/** Shares to hold out: cross-validation inside the training set, or over all of it, takes the place of the defaults. */
function fractionsOf({ valFraction, testFraction, tune, kFold }: TrainArgs) {
  return {
    valFraction: valFraction ?? (tune === 'auto' || kFold ? 0 : SPLIT_DEFAULTS.valFraction),
    testFraction: testFraction ?? (kFold ? 0 : SPLIT_DEFAULTS.testFraction),
  }
}

function choiceOptions(args: TrainArgs, out: Console, progress: TrainingProgress) {
  const { tune, tuneBudget, gate, minGain, kFold, splitBy, metric, checkpoint, log, dimensionsOut, pseudoQueries } = args
  const { textTerms, termRows, termBytes, keepTopScore, engine, engineDevice: device, memory } = args
  const { onStep, onEpoch, onTried } = progress
  return {
    tune,
    tuneBudget,
    gate,
    minGain,
    kFold,
    checkpoint,
    log,
    dimensionsOut,
    pseudoQueries,
    splitBy: splitBy === 'time' ? undefined : splitBy,
    keepTopScore,
    textTerms,
    termRows,
    ...(termBytes !== undefined && { termBytes }),
    detail: args.report !== undefined,
    keepOnAbort: args.saveOnInterrupt,
    onCut: out.info,
    onResume: out.info,
    onEngine: out.info,
    onFold: ({ queries, kept, metrics: { base, adapted } }: FoldReport, number: number) => {
      const change = `${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)}`
      out.info(`fold ${number} of ${kFold}: ${metric} ${change} on ${queries} queries${kept === false ? ' (gated)' : ''}`)
    },
    train: { ...pickOptions(args), engine, device, memory, onStep, onEpoch },
    onTried,
  }
}

async function printResult(
  result: TrainingResult,
  path: string,
  data: OpenedData,
  args: TrainArgs,
  out: Console,
  price: number | undefined,
): Promise<void> {
  const { adapter, rejected, report: found, detail } = result
  const shipped = shipAdapter(path, result, args)
  if (args.checkpoint !== undefined && !found.interrupted) removeCheckpoint(args.checkpoint)
  const report = { ...found, warnings: [...data.warnings, ...found.warnings] }
  for (const warning of report.warnings) out.warn(warning)
  const epochs = report.epochs.map(({ epoch, loss, metric }) => ({ epoch, loss, metric }))
  out.json({ ...shippedFacts(shipped), ...report, epochs })
  printTraining(report, out, args.metric, price)
  // Below a table is a blank line.
  const hasTable = report.gate?.kept !== false || report.hybrid !== undefined
  out.result(`${hasTable ? '\n' : ''}${shippedText(shipped, path)}`)
  const moved = topScoreText(adapter)
  if (moved !== undefined && shipped.rejected === undefined) out.result(`scores     ${moved}`)
  if (args.report !== undefined && !report.interrupted) {
    const { split = 'train' } = report.metrics ?? {}
    const documentText = (id: string) => data.documentText(split === 'k-fold' ? 'train' : split, id)
    const facts = trainingFacts(rejected ?? adapter, report, shipped.rejected ?? path, args.metric)
    await writeReport(args.report, { ...facts, detail, documentText }, out)
  }
  out.next(afterTraining(args, report, shipped))
}

/** Checkpoint and log overwrite nothing that is read or written otherwise. */
function checkFiles({ checkpoint, log, report }: TrainArgs, out: string, inputs: readonly (string | undefined)[]) {
  checkReport(report, [...inputs, out, log, checkpoint])
  if (checkpoint !== undefined) checkOut(checkpoint, [...inputs, out, log], 'checkpoint')
  if (log !== undefined) checkOut(log, [...inputs, out], 'log')
}

/** Prints the result of a training run. `price`: US dollars per million tokens. */
function printTraining(report: TrainingReport, out: Console, metric: string, price: number | undefined): void {
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
      `selected   negatives=${tune.negatives} scale=${tune.scale} pull=${tune.pull} (${count(tune.tried.length, 'candidate')}, ${tune.seconds.toFixed(1)} s)`,
    )
  }
  if (report.weights) {
    const { weights, used, gate: verdict, onTop } = report.weights
    const text = used ? weights.map(weight => weight.toFixed(2)).join(' : ') : 'equal'
    out.result(`weights    ${text} of the parts (${verdict.reason})${onTop ? `; the adapter on top: ${onTop.reason}` : ''}`)
  }
  if (tune?.pseudoQueries) {
    const { count: sentences, used } = tune.pseudoQueries
    out.result(
      `pseudo     ${count(sentences, 'pseudo-query', 'pseudo-queries')}: ${used ? 'trained on too' : 'not used, no out-of-fold gain'}`,
    )
  }
  out.result(
    `trained    ${report.kind}, ${count(report.epochs.length, 'epoch')}, best ${bestEpoch || 'none'}, engine ${report.engine}, ${seconds.train.toFixed(1)} s`,
  )
  for (const line of [...memoryLines(report, metric), ...termsLines(report, metric)]) out.result(line)
  if (gate) out.result(gateLine(gate, out.style))
  if (report.duel) out.result(duelLine(report.duel, out.style))
  if (report.interrupted) {
    const { afterEpoch, epochs } = report.interrupted
    out.result(out.style.yellow(`stopped    after epoch ${afterEpoch} of ${epochs}: not measured, not gated`))
  }
  // Of an adapter that the gate rejects there is nothing to tell but that.
  if (metrics && gate?.kept !== false) {
    const { split } = metrics
    const [name, queries] =
      split === 'k-fold' ? [`${kFold!.folds} folds`, kFold!.queries] : [`${split} set`, data[split]!.queries]
    out.result(`\n${out.style.bold(`${name}, ${queries} held-out queries`)}\n`)
    out.result(proofText({ ...report, metrics }, out.style))
  }
  if (test && gate?.kept !== false) {
    out.result(`\n${out.style.bold(`test set, ${count(test.queries, 'query', 'queries')}`)}\n`)
    out.result(proofText(test, out.style))
  }
  if (report.hybrid !== undefined) out.result(`\n${hybridText(report.hybrid, out.style)}`)
}
