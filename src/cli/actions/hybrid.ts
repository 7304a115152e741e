import { loadAdapter } from '../../adapters/file.js'
import { selectEngine } from '../../engines/index.js'
import { usageError } from '../../errors.js'
import { FUSIONS } from '../../evaluate/fusion.js'
import { parseMetric } from '../../evaluate/metrics.js'
import { readScoredRun } from '../../evaluate/trec-run.js'
import { termsForCorpus } from '../../pipeline/terms-step.js'
import { type HybridReport, tuneHybrid } from '../../pipeline/tune-hybrid.js'
import { signed } from '../../words.js'
import { checkBase, refuseBridge } from '../../wrap/adapter-source.js'
import type { HybridArgs } from '../commands/hybrid.js'
import { withBaseOf } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { storeLines } from '../output/hybrid-stores.js'
import { count, formatP } from '../output/tables.js'
import { checkVectorArgs, noteUnchecked, openListed, withDataSession } from '../session.js'

export async function hybrid(args: HybridArgs): Promise<void> {
  const out = createConsole(args)
  parseMetric(args.metric)
  checkVectorArgs(args, ['data', 'split'])
  const { vectors, texts, baseId, split, format, skipInvalid, window, metric, seed } = args
  if (vectors === undefined && args.data === undefined) throw usageError('missing option --data; see adapter-train hybrid --help')
  const adapter = args.adapter === undefined ? undefined : loadAdapter(args.adapter)
  const run = args.run === undefined ? undefined : readScoredRun(args.run)
  const sources = { vectors, texts, baseId, test: args.data, split }
  const data = await openListed({ ...sources, format, skipInvalid, valFraction: 0, testFraction: 0 }, out)
  await withDataSession(await withBaseOf(args, adapter, args.adapter), out, async session => {
    if (adapter && session.provider) noteUnchecked(adapter, session.provider, out)
    const base = data.baseId === undefined ? session.provider : { id: data.baseId }
    if (adapter && base) checkBase(adapter, base, args.allowMismatch)
    if (adapter) refuseBridge(adapter)
    const measured = await data.embedMeasured(session)
    const { engine } = await selectEngine(args.engine)
    try {
      const { adapter: fitting, note } = adapter ? termsForCorpus(adapter, measured.data) : {}
      if (note !== undefined) out.warn(note)
      const report = await tuneHybrid(engine, measured.data, { adapter: fitting, run, metric, seed, window })
      out.json(report)
      print(report, out)
    } finally {
      engine.dispose()
      measured.close?.()
    }
  })
}

function print(report: HybridReport, out: Console): void {
  const { metric, queries, documents, window, lexical, vectors, words, rrf, tuned } = report
  out.result(`${count(queries, 'query', 'queries')}, ${count(documents, 'document')}, ${metric}\n`)
  out.result(`vectors alone              ${vectors.toFixed(4)}`)
  out.result(`${(lexical === 'run' ? 'the run alone' : 'BM25 alone').padEnd(26)} ${words.toFixed(4)}`)
  out.result(`reciprocal rank fusion     ${rrf.toFixed(4)}`)
  for (const { fusion, weight, outOfFold, gain, p, passed } of tuned) {
    out.result(`tuned, ${fusion.padEnd(19)} ${outOfFold.toFixed(4)} out of fold, ${signed(gain)} over vectors, p ${formatP(p)}`)
    if (!passed) out.result('  rejected by the gate: vectors alone are as good')
    else out.result(`  weight ${weight} (${FUSIONS[fusion].description})`)
  }
  const rivals = { 'vectors alone': vectors, 'words alone': words, 'reciprocal rank fusion': rrf }
  const hybrids = tuned.map(({ fusion, outOfFold }): [string, number] => [`a tuned hybrid (${fusion})`, outOfFold])
  const [[best, score]] = [...Object.entries(rivals), ...hybrids].sort(([, a], [, b]) => b - a)
  out.result(`\nbest: ${best}, ${score.toFixed(4)}\n`)
  for (const { fusion, weight, passed } of tuned) {
    if (passed) for (const line of storeLines(fusion, weight, window, lexical === 'run')) out.result(line)
  }
}
