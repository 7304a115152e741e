import { saveAdapter } from '../../adapters/file.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { parseBytes } from '../../math/memory.js'
import type { FoldReport } from '../../pipeline/k-fold.js'
import { loadParts } from '../../pipeline/load-parts.js'
import {
  runTraining,
  runTrainingOnVectors,
  type TrainingReport,
  type TrainingResult,
} from '../../pipeline/run-training.js'
import { SPLIT_DEFAULTS } from '../../pipeline/split-defaults.js'
import { removeCheckpoint } from '../../train/checkpoint.js'
import { TRAIN_DEFAULTS } from '../../train/defaults.js'
import type { TrainOptions } from '../../train/train-adapter.js'
import { readVectors } from '../../vectors/read-vectors.js'
import { splitEmbedded } from '../../vectors/split-embedded.js'
import { checkBatchArgs, untilSubmitted } from '../batch-options.js'
import type { TrainArgs } from '../commands/train.js'
import { type Console, createConsole } from '../console.js'
import { checkOut, defaultOut, findDataFiles } from '../data-files.js'
import { EXIT } from '../exit-codes.js'
import { onInterrupt } from '../interrupt.js'
import { memoryLines } from '../memory-lines.js'
import { checkProviderArgs } from '../provider-options.js'
import { reportSkipped } from '../report-skipped.js'
import { formatDollars, type Session, withSession } from '../session.js'
import { count, proofText } from '../tables.js'
import { textOfDocuments } from '../text-of-documents.js'
import { trainingFacts } from '../training-facts.js'
import { checkReport, writeReport } from '../write-report.js'

/** Trains as the options say, writes the adapter file and prints what came of it. */
export async function train(args: TrainArgs): Promise<number> {
  const out = createConsole(args)
  // All that can be wrong is found before the first text is embedded, which may cost money.
  parseMetric(args.metric)
  if (args.minGain !== undefined && args.tune === 'off' && args.gate !== true) {
    throw new AdapterTrainError('USAGE', '--min-gain sets the bar of the gate; add --tune auto or --gate')
  }
  checkBatchArgs(args, '--base', args.base)
  const report =
    args.base === 'vectors'
      ? await trainOnVectors(args, out)
      : await untilSubmitted(args, out, () => trainOnTexts(args, out))
  return report?.gate?.kept === false ? EXIT.gated : EXIT.done
}

async function trainOnTexts(args: TrainArgs, out: Console): Promise<TrainingReport> {
  if (args.vectors !== undefined) throw new AdapterTrainError('USAGE', '--vectors goes with --base vectors')
  checkProviderArgs(args.base, args)
  const files = findDataFiles(args)
  const inputs = [files.train, files.val, args.test]
  if (args.out !== undefined) checkOut(args.out, inputs)
  checkReport(args.report, [...inputs, args.out])
  const { parts, skipped, warnings } = await loadParts({ ...args, ...files, ...fractionsOf(args) })
  reportSkipped(skipped, out)
  return withSession(args.base, args, out, async session => {
    const path = args.out ?? defaultOut(session.provider.id)
    checkOut(path, inputs)
    checkFiles(args, path, inputs)
    const result = await runTraining({
      ...session,
      ...choiceOptions(args, out),
      pseudoQueries: args.pseudoQueries,
      parts,
      onPhase: phase => {
        if (phase === 'evaluate') session.release()
      },
    })
    await finish(result, path, warnings, args, out, textOfDocuments(parts[measuredPart(result.report)]), session)
    return result.report
  })
}

async function trainOnVectors(args: TrainArgs, out: Console): Promise<TrainingReport> {
  const { vectors, train: file, val, test, seed, splitBy } = args
  if (vectors === undefined) throw new AdapterTrainError('USAGE', '--base vectors needs --vectors FOLDER')
  checkProviderArgs(args.base, args)
  if (file ?? val ?? test)
    throw new AdapterTrainError(
      'USAGE',
      '--base vectors reads all its data from --vectors; drop --train, --val and --test',
    )
  const read = await readVectors(vectors, { baseId: args.baseId, lazy: true })
  const { valFraction, testFraction } = fractionsOf(args)
  const fractions = { validation: read.validation ? 0 : valFraction, test: read.test ? 0 : testFraction }
  const parts = { ...read, ...splitEmbedded(read.train, { by: splitBy, fractions, seed }) }
  checkReport(args.report, [args.out])
  const path = args.out ?? defaultOut(parts.train.baseId)
  checkOut(path, [])
  checkFiles(args, path, [])
  const { signal, release } = onInterrupt(out)
  try {
    const all = { ...parts, validation: parts.validation ?? read.validation, test: parts.test ?? read.test }
    const result = await runTrainingOnVectors(all, {
      ...choiceOptions(args, out),
      signal,
      onPhase: phase => phase === 'evaluate' && release(),
    })
    await finish(result, path, [], args, out, textOfDocuments(all[measuredPart(result.report)]))
    return result.report
  } finally {
    release()
  }
}

/** Shares to hold out where no file is given: cross-validation inside the training part, or over all of it, takes their place. */
function fractionsOf({ valFraction, testFraction, tune, kFold }: TrainArgs) {
  return {
    valFraction: valFraction ?? (tune === 'auto' || kFold ? 0 : SPLIT_DEFAULTS.valFraction),
    testFraction: testFraction ?? (kFold ? 0 : SPLIT_DEFAULTS.testFraction),
  }
}

function choiceOptions(args: TrainArgs, out: Console) {
  const { tune, tuneBudget, gate, minGain, kFold, splitBy, metric, checkpoint, log, dimensionsOut } = args
  return {
    ...{ tune, tuneBudget, gate, minGain, kFold, splitBy, checkpoint, log, dimensionsOut },
    detail: args.report !== undefined,
    onResume: (line: string) => out.info(line),
    onFold: ({ queries, kept, metrics: { base, adapted } }: FoldReport, number: number) => {
      const change = `${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)}`
      out.info(
        `fold ${number} of ${kFold}: ${metric} ${change} on ${queries} queries${kept === false ? ' (gated)' : ''}`,
      )
    },
    train: trainingOptions(args, out),
    onEngine: (line: string) => out.info(line),
    onTried: (line: string) => out.info(line),
  }
}

/** The part that `report.metrics` were measured on. */
function measuredPart({ metrics }: TrainingReport): 'train' | 'validation' | 'test' {
  return metrics === undefined || metrics.split === 'k-fold' ? 'train' : metrics.split
}

async function finish(
  { adapter, report, detail }: TrainingResult,
  path: string,
  warnings: readonly string[],
  args: TrainArgs,
  out: Console,
  documentText: (id: string) => string | undefined,
  session?: Session,
): Promise<void> {
  saveAdapter(adapter, path)
  if (args.checkpoint !== undefined) removeCheckpoint(args.checkpoint)
  const all = [...warnings, ...report.warnings]
  for (const warning of all) out.warn(warning)
  if (args.json) out.json(jsonReport({ ...report, warnings: all }, path))
  else printReport(report, path, out, args.metric, session?.provider.price)
  if (args.report === undefined) return
  const facts = trainingFacts(adapter, { ...report, warnings: all }, path, args.metric)
  await writeReport(args.report, { ...facts, detail, documentText }, out, args.json)
}

/** Checkpoint and log overwrite nothing that is read or written otherwise. */
function checkFiles(
  { checkpoint, log, report }: TrainArgs,
  out: string,
  inputs: readonly (string | undefined)[],
): void {
  checkReport(report, [...inputs, out, log, checkpoint])
  if (checkpoint !== undefined) checkOut(checkpoint, [...inputs, out, log], 'checkpoint')
  if (log !== undefined) checkOut(log, [...inputs, out], 'log')
}

/** Devices of local models; any other `--device` is the engine's. */
const MODEL_DEVICES = ['auto', 'cpu', 'cuda', 'dml', 'coreml', 'webgpu', 'wasm', 'gpu']

function trainingOptions(args: TrainArgs, out: Console): TrainOptions {
  const bar = out.progress('training')
  const { kind, negatives, maxNegatives, epochs, batchSize, learningRate, schedule, warmup, scale, pull, size } = args
  const { weightDecay, maxGradNorm, metric, patience, seed, engine, device, hardNegatives, hardMargin } = args
  const total = epochs ?? (args.tune === 'off' ? TRAIN_DEFAULTS.epochs : undefined)
  const forModel = device !== undefined && MODEL_DEVICES.includes(device) && engine !== 'tfjs'
  return {
    ...{ kind, negatives, maxNegatives, epochs, batchSize, learningRate, schedule, warmup, scale, pull, size },
    ...{ weightDecay, maxGradNorm, metric, patience, seed, engine, hardNegatives, hardMargin },
    device: forModel ? undefined : device,
    memory: args.memory === undefined ? undefined : parseBytes(args.memory),
    onStep: (step, steps) => bar.update(step, steps),
    onEpoch: ({ epoch, loss, metric: value }) => {
      bar.end()
      const measured = value === undefined ? '' : `  validation ${metric} ${value.toFixed(4)}`
      out.info(`epoch ${epoch}${total === undefined ? '' : `/${total}`}  loss ${loss.toFixed(4)}${measured}`)
    },
  }
}

function jsonReport(report: TrainingReport, adapter: string): object {
  const epochs = report.epochs.map(({ epoch, loss, metric }) => ({ epoch, loss, metric }))
  return { adapter, ...report, epochs }
}

function printReport(
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
    out.result(
      `gate       ${gate.passed ? 'passed' : gate.kept ? 'failed, kept all the same' : 'failed, identity saved'}: ${gate.reason}`,
    )
  }
  if (metrics) {
    const { split } = metrics
    const [name, queries] =
      split === 'k-fold' ? [`${kFold!.folds} folds`, kFold!.queries] : [`${split} set`, data[split]!.queries]
    out.result(`\n${name}, ${queries} queries that were not trained on\n`)
    out.result(proofText({ ...report, metrics }))
  }
  if (test) {
    out.result(`\ntest set, ${count(test.queries, 'query', 'queries')}\n`)
    out.result(proofText(test))
  }
  out.result(`\nadapter    ${path}`)
}
