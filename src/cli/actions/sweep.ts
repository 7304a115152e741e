import type { Adapter } from '../../adapters/adapter.js'
import { saveAdapter } from '../../adapters/file.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { parseBytes } from '../../memory-limit.js'
import { type EmbeddedParts, embedParts, partsFromVectors } from '../../pipeline/embedded-parts.js'
import { loadParts } from '../../pipeline/load-parts.js'
import { type RunSweepOptions, runSweep, type SweepReport } from '../../pipeline/run-sweep.js'
import { optionWords } from '../../report/option-words.js'
import type { FixedOptions } from '../../train/tune/candidate.js'
import { readVectors } from '../../vectors/read-vectors.js'
import { splitEmbedded } from '../../vectors/split-embedded.js'
import type { SweepArgs } from '../commands/sweep.js'
import { EXIT } from '../exit-codes.js'
import { onInterrupt } from '../interrupt.js'
import { checkOut, defaultOut, findDataFiles } from '../options/data-files.js'
import { parseGrid } from '../options/grid.js'
import { checkProviderArgs } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { afterTraining } from '../output/next-steps.js'
import { formatDuration } from '../output/progress.js'
import { reportSkipped } from '../output/report-skipped.js'
import { sweepTable } from '../output/sweep-table.js'
import { count, gateLine, proofText } from '../output/tables.js'
import { textOfDocuments } from '../output/text-of-documents.js'
import { trainingFacts } from '../output/training-facts.js'
import { checkReport, writeReport } from '../output/write-report.js'
import { withSession } from '../session.js'

/** Cross-validates every combination, trains the best, writes its file and prints the table. */
export async function sweep(args: SweepArgs): Promise<number> {
  const out = createConsole(args)
  // All that can be wrong is found before the first text is embedded, which may cost money.
  parseMetric(args.metric)
  const points = parseGrid(args.grid)
  if (points.length > args.maxRuns) {
    throw new AdapterTrainError(
      'USAGE',
      `the grid has ${points.length} combinations, more than ${args.maxRuns}; try fewer values, or allow them with --max-runs ${points.length}`,
    )
  }
  checkProviderArgs(args.base, args)
  return args.base === 'vectors' ? sweepVectors(args, points, out) : sweepTexts(args, points, out)
}

async function sweepTexts(args: SweepArgs, points: readonly FixedOptions[], out: Console): Promise<number> {
  if (args.vectors !== undefined) throw new AdapterTrainError('USAGE', '--vectors goes with --base vectors')
  const files = findDataFiles(args)
  const inputs = [files.train, files.val, args.test]
  if (args.out !== undefined) checkOut(args.out, inputs)
  checkReport(args.report, [...inputs, args.out])
  const fractions = { valFraction: 0, testFraction: args.testFraction ?? 0 }
  const { parts, skipped, warnings } = await loadParts({ ...args, ...files, ...fractions })
  reportSkipped(skipped, out)
  for (const warning of warnings) out.warn(warning)
  return withSession(args.base, args, out, async session => {
    const path = args.out ?? defaultOut(session.provider.id)
    checkOut(path, inputs)
    const memory = args.memory === undefined ? undefined : parseBytes(args.memory)
    const embedded = await embedParts(session.provider, parts, { ...session, memory })
    const documentText = textOfDocuments(parts.test)
    return run(embedded, points, args, { path, documentText }, out, session)
  })
}

async function sweepVectors(args: SweepArgs, points: readonly FixedOptions[], out: Console): Promise<number> {
  const { vectors, train, test, testFraction = 0, splitBy: by, seed } = args
  if (vectors === undefined) throw new AdapterTrainError('USAGE', '--base vectors needs --vectors FOLDER')
  if (train ?? test)
    throw new AdapterTrainError('USAGE', '--base vectors reads all its data from --vectors; drop --train and --test')
  const read = await readVectors(vectors, { baseId: args.baseId, lazy: true })
  const split = splitEmbedded(read.train, { by, seed, fractions: { test: read.test ? 0 : testFraction } })
  checkReport(args.report, [args.out])
  const path = args.out ?? defaultOut(read.train.baseId)
  checkOut(path, [])
  const interrupt = onInterrupt(out)
  try {
    const parts = { ...read, ...split, test: split.test ?? read.test }
    const documentText = textOfDocuments(parts.test)
    return await run(partsFromVectors(parts), points, args, { path, documentText }, out, interrupt)
  } finally {
    interrupt.release()
  }
}

/** Where the adapter goes, and how to read the documents of the test set. */
interface Place {
  readonly path: string
  readonly documentText: (id: string) => string | undefined
}

async function run(
  embedded: EmbeddedParts,
  points: readonly FixedOptions[],
  args: SweepArgs,
  { path, documentText }: Place,
  out: Console,
  { signal, release }: ReturnType<typeof onInterrupt>,
): Promise<number> {
  const { metric, seed, engine, gate, minGain } = args
  const bar = out.progress('sweeping', 'combinations')
  let best = Number.NEGATIVE_INFINITY
  const options: RunSweepOptions = {
    ...{ metric, seed, engine, gate, minGain, signal },
    memory: args.memory === undefined ? undefined : parseBytes(args.memory),
    onPlan({ runs, folds, queries, documents, seconds }) {
      const time = seconds === undefined ? '' : `, about ${formatDuration(seconds)}`
      out.info(`${count(runs, 'run')} of ${folds} folds on ${queries} queries and ${documents} documents${time}`)
      bar.update(0, runs)
    },
    onRun({ options: own, scores, seconds }, number) {
      const score = scores.reduce((sum, value) => sum + value, 0) / scores.length
      best = Math.max(best, score)
      bar.update(number, points.length, `best so far ${metric} ${best.toFixed(4)}`)
      out.detail(
        `run ${number} of ${points.length}: ${optionWords(own)}: ${metric} ${score.toFixed(4)}, ${seconds.toFixed(1)} s`,
      )
    },
    onPhase(phase) {
      if (phase !== 'tune') bar.end()
      if (phase === 'evaluate') release()
    },
    detail: args.report !== undefined,
  }
  const { adapter, report, detail } = await runSweep(embedded, points, options).finally(() => {
    bar.end()
    embedded.close?.()
  })
  const code = finish(adapter, report, args, path, out)
  if (args.report !== undefined) {
    const facts = trainingFacts(adapter, report, path, args.metric)
    await writeReport(args.report, { ...facts, detail, documentText }, out, args.json)
  }
  if (!args.json) out.next(afterTraining(args, report, path))
  return code
}

function finish(adapter: Adapter, report: SweepReport, args: SweepArgs, path: string, out: Console): number {
  saveAdapter(adapter, path)
  for (const warning of report.warnings) out.warn(warning)
  const { gate, metrics } = report
  if (args.json) out.json({ adapter: path, ...report })
  out.result(sweepTable(report.sweep, out.style))
  if (gate) out.result(`\n${gateLine(gate, out.style)}`)
  if (metrics) out.result(`\nthe best on the ${metrics.split} set\n\n${proofText({ ...report, metrics }, out.style)}`)
  out.result(`\nadapter    ${path}`)
  return gate?.kept === false ? EXIT.gated : EXIT.done
}
