import { saveAdapter } from '../../adapters/file.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { parseBytes } from '../../memory-limit.js'
import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { loadParts } from '../../pipeline/load-parts.js'
import {
  runTraining,
  runTrainingOnVectors,
  type TrainingReport,
  type TrainingResult,
} from '../../pipeline/run-training.js'
import type { FoldReport } from '../../pipeline/train-in-folds.js'
import { removeCheckpoint } from '../../train/checkpoint.js'
import type { TrainOptions } from '../../train/train-adapter.js'
import { readVectors } from '../../vectors/read-vectors.js'
import { splitEmbedded } from '../../vectors/split-embedded.js'
import type { TrainArgs } from '../commands/train.js'
import { EXIT } from '../exit-codes.js'
import { onInterrupt } from '../interrupt.js'
import { checkBatchArgs, untilSubmitted } from '../options/batch-options.js'
import { checkOut, defaultOut, findDataFiles } from '../options/data-files.js'
import { checkProviderArgs } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { afterTraining } from '../output/next-steps.js'
import { printTraining } from '../output/print-training.js'
import { reportSkipped } from '../output/report-skipped.js'
import { textOfDocuments } from '../output/text-of-documents.js'
import { trainingFacts } from '../output/training-facts.js'
import { type TrainingProgress, trainingProgress } from '../output/training-progress.js'
import { checkReport, writeReport } from '../output/write-report.js'
import { type Session, withSession } from '../session.js'

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
  if (report?.interrupted) return EXIT.interrupted
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
    const progress = trainingProgress(args.metric, out)
    const result = await runTraining({
      ...session,
      ...choiceOptions(args, out, progress),
      pseudoQueries: args.pseudoQueries,
      parts,
      onPhase: phase => {
        progress.onPhase(phase)
        if (phase === 'evaluate') session.release()
      },
    }).finally(() => progress.end())
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
    const progress = trainingProgress(args.metric, out)
    const result = await runTrainingOnVectors(all, {
      ...choiceOptions(args, out, progress),
      signal,
      onPhase: phase => {
        progress.onPhase(phase)
        if (phase === 'evaluate') release()
      },
    }).finally(() => progress.end())
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

function choiceOptions(args: TrainArgs, out: Console, progress: TrainingProgress) {
  const { tune, tuneBudget, gate, minGain, kFold, splitBy, metric, checkpoint, log, dimensionsOut } = args
  return {
    ...{ tune, tuneBudget, gate, minGain, kFold, splitBy, checkpoint, log, dimensionsOut },
    detail: args.report !== undefined,
    keepOnAbort: args.saveOnInterrupt,
    onResume: (line: string) => out.info(line),
    onFold: ({ queries, kept, metrics: { base, adapted } }: FoldReport, number: number) => {
      const change = `${base[metric].toFixed(4)} -> ${adapted[metric].toFixed(4)}`
      out.info(
        `fold ${number} of ${kFold}: ${metric} ${change} on ${queries} queries${kept === false ? ' (gated)' : ''}`,
      )
    },
    train: trainingOptions(args, progress),
    onEngine: (line: string) => out.info(line),
    onTried: progress.onTried,
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
  if (args.checkpoint !== undefined && !report.interrupted) removeCheckpoint(args.checkpoint)
  const all = [...warnings, ...report.warnings]
  for (const warning of all) out.warn(warning)
  if (args.json) out.json(jsonReport({ ...report, warnings: all }, path))
  else printTraining(report, path, out, args.metric, session?.provider.price)
  if (args.report !== undefined && !report.interrupted) {
    const facts = trainingFacts(adapter, { ...report, warnings: all }, path, args.metric)
    await writeReport(args.report, { ...facts, detail, documentText }, out, args.json)
  }
  if (!args.json) out.next(afterTraining(args, report, path))
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

function trainingOptions(args: TrainArgs, { onStep, onEpoch }: TrainingProgress): TrainOptions {
  const { kind, negatives, maxNegatives, epochs, batchSize, learningRate, schedule, warmup, scale, pull, size } = args
  const { weightDecay, maxGradNorm, metric, patience, seed, engine, device, hardNegatives, hardMargin } = args
  const forModel = device !== undefined && MODEL_DEVICES.includes(device) && engine !== 'tfjs'
  return {
    ...{ kind, negatives, maxNegatives, epochs, batchSize, learningRate, schedule, warmup, scale, pull, size },
    ...{ weightDecay, maxGradNorm, metric, patience, seed, engine, hardNegatives, hardMargin },
    device: forModel ? undefined : device,
    memory: args.memory === undefined ? undefined : parseBytes(args.memory),
    onStep,
    onEpoch,
  }
}

function jsonReport(report: TrainingReport, adapter: string): object {
  const epochs = report.epochs.map(({ epoch, loss, metric }) => ({ epoch, loss, metric }))
  return { adapter, ...report, epochs }
}
