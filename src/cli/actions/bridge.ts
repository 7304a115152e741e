import { readDataset } from '../../dataset/read.js'
import { readCorpus } from '../../dataset/read-corpus.js'
import { usageError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics.js'
import type { BridgeTarget } from '../../pipeline/bridge-data.js'
import { cachedTarget, folderTarget, indexTarget, openBridgeFolders, openBridgeTexts } from '../../pipeline/bridge-data.js'
import { type BridgeCost, type BridgeData, type BridgeReport, runBridge } from '../../pipeline/run-bridge.js'
import { formatDollars, whole } from '../../report/format.js'
import type { TriedFit } from '../../train/bridge/fit-bridge.js'
import { readVectors } from '../../vectors/read-vectors.js'
import { kebab, percent } from '../../words.js'
import { EXIT } from '../command.js'
import type { BridgeArgs } from '../commands/bridge.js'
import { onInterrupt } from '../interrupt.js'
import { checkOut, defaultOut } from '../options/data-files.js'
import { openProvider } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { adapterInUse, shipAdapter, shippedFacts, shippedText } from '../output/ship-adapter.js'
import { count, duelLine, gateLine, withInterval } from '../output/tables.js'
import { type Session, withSession } from '../session.js'

export async function bridge(args: BridgeArgs): Promise<number> {
  const out = createConsole(args)
  parseMetric(args.metric)
  if (args.out !== undefined) checkOut(args.out, [args.train, args.test, args.corpus])
  const { fromVectors: from, toVectors: to } = args
  if ((from === undefined) !== (to === undefined))
    throw usageError('--from-vectors and --to-vectors go together: two folders with the same rows')
  if (from === undefined || to === undefined)
    return withSession(args, out, async session => finish(await openTexts(args, session), args, out, session.signal))
  const alone = (['base', 'index', 'vectors', 'toBase', 'corpus', 'test'] as const).find(name => args[name] !== undefined)
  if (alone) throw usageError(`--from-vectors holds all vectors; drop --${kebab(alone)}`)
  const { signal, release } = onInterrupt(out)
  try {
    const { train, sample, seed, baseId: fromId, toId } = args
    return await finish(await openBridgeFolders({ from, to, train, sample, seed, fromId, toId }), args, out, signal)
  } finally {
    release()
  }
}

async function openTexts(args: BridgeArgs, { provider, cache, embed, signal }: Session): Promise<BridgeData> {
  const read = async (path: string | undefined) => (path === undefined ? undefined : (await readDataset(path)).dataset)
  const [train, test] = [await read(args.train), await read(args.test)]
  const target = await targetOf(
    args,
    [train, test].flatMap(set => [...(set?.corpus.values() ?? [])]),
    cache,
  )
  if (target.index.id === provider.id)
    throw usageError(`bridge: "${provider.id}" is the model of the index itself; expected another --base`)
  return openBridgeTexts({ provider, target, train, test, sample: args.sample, seed: args.seed, cache, embed, signal })
}

async function targetOf(args: BridgeArgs, labelled: readonly string[], cache: Session['cache']): Promise<BridgeTarget> {
  const { vectors, toBase, toModel, toId, corpus, index, sample, seed } = args
  if (index !== undefined) return indexTarget(index, { id: toId, filter: args.indexFilter, wanted: labelled, sample, seed })
  if (vectors !== undefined) return folderTarget(await readVectors(vectors, { lazy: true }), toId)
  if (toBase === undefined || !cache) {
    throw usageError(
      'bridge: expected vectors of the index, found none. Give --index URL, --vectors DIR, or --to-base with a --cache that has them, or --from-vectors and --to-vectors',
    )
  }
  const texts = corpus === undefined ? labelled : [...(await readCorpus(corpus)).values()]
  // Without a key: it is asked for nothing but its name and that of its vectors in the cache.
  const model = await openProvider(toBase, { cache: args.cache, model: toModel, baseId: toId }, 'none')
  try {
    return await cachedTarget(model, texts, cache)
  } finally {
    await model.close?.()
  }
}

async function finish(data: BridgeData, args: BridgeArgs, out: Console, signal: AbortSignal): Promise<number> {
  const path = args.out ?? defaultOut(`${data.base.id}-to-${data.index.id}`)
  checkOut(path, [args.train, args.test, args.corpus])
  const { metric, seed, engine, engineDevice: device, minGain, tuneBudget, replace } = args
  const { adapter, rejected, held, report } = await runBridge(data, {
    metric,
    seed,
    engine,
    device,
    minGain,
    tuneBudget,
    replace,
    signal,
    incumbent: adapterInUse(path, out),
    onTried: tried => out.info(`tried ${fitText(tried)}`),
    onTriedLabels: out.info,
  })
  const { gate, duel, recovered, recoveredLabelled } = report
  if (rejected) shipAdapter(path, { adapter, rejected, report: {} }, args)
  const shipped = shipAdapter(path, { adapter, rejected: held ? adapter : undefined, report: { gate, duel } }, args)
  for (const warning of report.warnings) out.warn(warning)
  out.json({ ...shippedFacts(shipped), ...report })
  print(report, out, metric, shippedText(shipped, path))
  const share = recoveredLabelled ?? recovered
  if (args.minRecovered !== undefined && share < args.minRecovered) {
    out.error(
      `recovered: expected at least ${args.minRecovered}, found ${share.toFixed(4)}. Re-embed the documents, or bridge from a model that is closer`,
    )
    return EXIT.check
  }
  return rejected || held ? EXIT.rejected : EXIT.done
}

function fitText({ fit, strength, rank, own, overlap }: TriedFit): string {
  const settings = inBrackets([strength !== undefined && `strength ${strength}`, rank !== undefined && `rank ${rank}`])
  return `${fit}${settings}: own vector ${own.toFixed(4)}, overlap ${overlap.toFixed(4)}`
}

function inBrackets(facts: readonly (string | false)[]): string {
  const known = facts.filter(Boolean)
  return known.length > 0 ? ` (${known.join(', ')})` : ''
}

function print(report: BridgeReport, out: Console, metric: string, shipped: string): void {
  const { base, index, fit, texts, heldOut, metrics, reembedded, overlap, difference, labels, gate, duel, cost } = report
  out.result(`queries    ${base.id}, ${base.dimensions} dimensions`)
  out.result(`index      ${index.id}, ${index.dimensions} dimensions`)
  out.result(`fitted     ${fitText(fit)}; ${count(texts, 'text')}, chosen on ${heldOut} of them without labels`)
  const compared = metrics.native ? 'queries' : 'documents'
  out.result(`overlap    ${percent(overlap)} of the first 10 of mapped and native ${compared}`)
  const { native, mapped, labelled } = metrics
  for (const [name, means] of Object.entries({ native, mapped, labelled, 're-embed': reembedded })) {
    const shown = [...new Set([metric, 'recall@10', 'hit@1'])].map(spec => `${spec} ${means?.[spec]?.toFixed(4)}`)
    if (means) out.result(`${name.padEnd(10)} ${shown.join(', ')}`)
  }
  for (const [name, found] of Object.entries({ 'mapped against native': difference, 'labels against none': labels })) {
    if (found?.[metric]) out.result(`           ${name}: ${metric} ${withInterval(found[metric])}`)
  }
  if (gate) out.result(gateLine(gate, out.style))
  if (duel) out.result(duelLine(duel, out.style))
  out.result(`cost       ${costText(cost.bridge)}; embedding everything anew: ${costText(cost.reembed)}`)
  out.result(`time       ${(report.seconds / 60).toFixed(1)} minutes`)
  out.result(out.style.bold(report.sentence))
  out.result(`\n${shipped}`)
}

function costText({ texts, tokens, dollars }: BridgeCost): string {
  const counted = tokens !== null && `${whole(tokens)} tokens`
  return `${count(texts, 'text')}${inBrackets([counted, dollars !== null && formatDollars(dollars)])}`
}
