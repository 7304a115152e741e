import { usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { runSweep } from '../../pipeline/run-sweep.js'
import { optionWords } from '../../report/format.js'
import { EXIT } from '../command.js'
import type { SweepArgs } from '../commands/sweep.js'
import { checkOut, defaultOut } from '../options/data-files.js'
import { parseGrid } from '../options/grid.js'
import { createConsole } from '../output/console.js'
import { afterTraining } from '../output/next-steps.js'
import { formatDuration } from '../output/progress.js'
import { adapterInUse, shipAdapter, shippedFacts, shippedText } from '../output/ship-adapter.js'
import { count, duelLine, gateLine, proofText, sweepTable } from '../output/tables.js'
import { checkReport, trainingFacts, writeReport } from '../output/write-report.js'
import { openDataOf, withDataSession } from '../session.js'

export async function sweep(args: SweepArgs): Promise<number> {
  const out = createConsole(args)
  // All that can be wrong is found before the first text is embedded, which may cost money.
  parseMetric(args.metric)
  const points = parseGrid(args.grid)
  if (points.length > args.maxRuns) {
    throw usageError(
      `the grid has ${points.length} combinations, more than ${args.maxRuns}; try fewer values, or allow them with --max-runs ${points.length}`,
    )
  }
  const { metric, seed, engine, minGain } = args
  const data = await openDataOf(args, { valFraction: 0, testFraction: args.testFraction ?? 0 }, out)
  const { inputs } = data
  if (args.out !== undefined) checkOut(args.out, inputs)
  checkReport(args.report, [...inputs, args.out])
  for (const warning of data.warnings) out.warn(warning)
  return withDataSession(args, out, async session => {
    const path = args.out ?? defaultOut(data.baseId ?? session.provider!.id)
    checkOut(path, inputs)
    const bar = out.progress('sweeping', 'combinations')
    let best = Number.NEGATIVE_INFINITY
    const result = await runSweep({
      ...session,
      data,
      points,
      metric,
      seed,
      engine,
      gate: args.gate,
      minGain,
      incumbent: adapterInUse(path, out),
      replace: args.replace,
      memory: args.memory,
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
        if (phase === 'evaluate') session.release()
      },
      detail: args.report !== undefined,
    }).finally(() => bar.end())
    const { adapter, rejected, report, detail } = result
    const shipped = shipAdapter(path, result, args)
    for (const warning of report.warnings) out.warn(warning)
    const { gate, duel, metrics } = report
    out.json({ ...shippedFacts(shipped), ...report })
    out.result(sweepTable(report.sweep, out.style))
    if (gate) out.result(`\n${gateLine(gate, out.style)}`)
    if (duel) out.result(duelLine(duel, out.style))
    if (metrics && gate?.kept !== false)
      out.result(`\nthe best on the ${metrics.split} set\n\n${proofText({ ...report, metrics }, out.style)}`)
    out.result(`\n${shippedText(shipped, path)}`)
    if (args.report !== undefined) {
      const facts = trainingFacts(rejected ?? adapter, report, shipped.rejected ?? path, metric)
      const documentText = (id: string) => data.documentText('test', id)
      await writeReport(args.report, { ...facts, detail, documentText }, out)
    }
    out.next(afterTraining(args, report, shipped))
    return rejected ? EXIT.rejected : EXIT.done
  })
}
