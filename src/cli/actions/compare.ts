import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadAdapter } from '../../adapters/file.js'
import { readDataset } from '../../dataset/read.js'
import { AdapterTrainError } from '../../errors.js'
import { parseMetric } from '../../evaluate/metrics/index.js'
import { parseBytes } from '../../memory-limit.js'
import type { Candidate, NamedVectors } from '../../pipeline/compare/candidates.js'
import type { CompareReport } from '../../pipeline/compare/compare-report.js'
import { type BasePlan, estimateCompare } from '../../pipeline/compare/plan-compare.js'
import { runCompare } from '../../pipeline/compare/run-compare.js'
import type { EmbeddingProvider } from '../../providers/provider.js'
import { readVectors } from '../../vectors/read-vectors.js'
import type { CompareArgs } from '../commands/compare.js'
import { compareText, planLines } from '../compare-table.js'
import { onInterrupt } from '../interrupt.js'
import { CANDIDATE_FORM, type CandidateSpec, checkNames, parseCandidate } from '../options/candidate-spec.js'
import { readCandidatesFile } from '../options/candidates-file.js'
import { openCacheOption, openProvider } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { reportSkipped } from '../output/report-skipped.js'
import { checkReport, writeReport } from '../output/write-report.js'
import { embedReporting, spillFolderOf } from '../session.js'

/** Scores all candidates and prints the table of them and that of their pairs. */
export async function compare(args: CompareArgs): Promise<void> {
  const out = createConsole(args)
  const { metric, metrics, timing, seed, engine, allowMismatch, estimate } = args
  metrics.concat(metric ?? []).forEach(parseMetric)
  const memory = args.memory === undefined ? undefined : parseBytes(args.memory)
  if (estimate && args.report !== undefined)
    throw new AdapterTrainError('USAGE', '--report shows what was measured, and --estimate measures nothing; drop one')
  const specs = await specsOf(args)
  checkReport(args.report, [args.data, args.candidates, ...specs.map(({ adapter }) => adapter)])
  const adapters = adaptersOf(specs)
  const { format, split, skipInvalid } = args
  const read = args.data === undefined ? undefined : await readDataset(args.data, { format, split, skipInvalid })
  if (read) reportSkipped(read.skipped, out)
  const { folders, warnings } = await foldersOf(specs, args)
  const { signal, release } = onInterrupt(out)
  const bar = out.progress('embedding')
  const providers = new Map<string, EmbeddingProvider>()
  const caches = specs.some(({ base }) => base !== 'vectors') && (!estimate || existsSync(args.cache))
  const cache = caches ? await openCacheOption(args) : undefined
  try {
    const candidates: Candidate[] = []
    for (const [i, spec] of specs.entries()) {
      const { name } = spec
      const adapter = adapters[i]
      const vectors = folders.get(folderKey(spec))
      candidates.push(vectors ? { name, adapter, vectors } : { name, adapter, provider: await open(spec) })
    }
    const common = { data: read?.dataset, cache, signal, metric, metrics, timing, allowMismatch }
    if (estimate) {
      showEstimate(await estimateCompare(candidates, common), args, out)
      return
    }
    const report = await runCompare(candidates, {
      ...{ ...common, memory, spillFolder: spillFolderOf(args), seed, engine },
      embed: embedReporting({ retries: args.retries }, out, bar),
      onPlan: plans => {
        for (const line of planLines(plans)) out.info(line)
      },
    })
    await finish({ ...report, warnings: [...warnings, ...report.warnings] }, args, out)
  } finally {
    release()
    bar.end()
    cache?.close()
    for (const provider of providers.values()) await provider.close?.()
  }

  /** One provider for equal options, so that a local model is loaded once. */
  async function open({ base, options }: CandidateSpec): Promise<EmbeddingProvider> {
    const { concurrency, timeout } = args
    const all = { ...(concurrency && { concurrency }), ...(timeout && { timeout }), ...options, cache: args.cache }
    const key = JSON.stringify([base, all])
    // An estimate sends nothing, so that it needs no key.
    const provider = providers.get(key) ?? (await openProvider(base, all, estimate ? 'none' : undefined))
    providers.set(key, provider)
    return provider
  }
}

async function specsOf({ candidate = [], candidates, data }: CompareArgs): Promise<CandidateSpec[]> {
  const listed = candidates === undefined ? [] : await readCandidatesFile(candidates)
  const specs = [...listed, ...candidate.map(parseCandidate)]
  if (specs.length === 0) {
    throw new AdapterTrainError(
      'USAGE',
      `there is nothing to compare; give --candidate ${CANDIDATE_FORM}, once or several times, or --candidates FILE`,
    )
  }
  checkNames(specs)
  const texts = specs.find(({ base }) => base !== 'vectors')
  if (texts && data === undefined) {
    throw new AdapterTrainError('USAGE', `missing option --data: candidate "${texts.name}" embeds its texts`)
  }
  return specs
}

/** The adapter of every candidate; one file is one adapter. */
function adaptersOf(specs: readonly CandidateSpec[]): Candidate['adapter'][] {
  const loaded = new Map<string, ReturnType<typeof loadAdapter>>()
  return specs.map(({ adapter: file }) => {
    if (file === undefined) return undefined
    const path = resolve(file)
    const adapter = loaded.get(path) ?? loadAdapter(file)
    loaded.set(path, adapter)
    return adapter
  })
}

/** The vectors of every folder, by {@link folderKey}: the test part where there is one, else validation, else training. */
async function foldersOf(
  specs: readonly CandidateSpec[],
  { data }: CompareArgs,
): Promise<{ folders: Map<string | undefined, NamedVectors>; warnings: string[] }> {
  const folders = new Map<string | undefined, NamedVectors>()
  const warnings: string[] = []
  for (const spec of specs) {
    const { vectors: folder, options, adapter, name } = spec
    if (folder === undefined) continue
    const read = await readVectors(folder, { baseId: options.baseId, lazy: true })
    const part = read.test ? 'test' : read.validation ? 'validation' : 'train'
    const key = folderKey(spec)
    if (!folders.has(key)) folders.set(key, { ...read[part]!, name: `the ${part} part of ${folder}` })
    if (adapter !== undefined && data === undefined && part === 'train') {
      warnings.push(
        `${folder} has no test part: these are the queries that adapters are trained on, and the figures flatter "${name}"`,
      )
    }
  }
  return { folders, warnings }
}

function folderKey({ vectors, options }: CandidateSpec): string | undefined {
  return vectors === undefined ? undefined : JSON.stringify([resolve(vectors), options.baseId])
}

function showEstimate(plans: readonly BasePlan[], { json }: CompareArgs, out: Console): void {
  if (json) out.json({ bases: plans })
  else if (plans.length === 0) out.result('nothing is embedded: all candidates are folders of vectors')
  else out.result(planLines(plans).join('\n'))
}

async function finish(comparison: CompareReport, { json, data, report }: CompareArgs, out: Console): Promise<void> {
  const { warnings } = comparison
  for (const warning of warnings) out.warn(warning)
  if (json) out.json(comparison)
  else out.result(compareText(comparison, data, out.style, process.stdout.columns))
  if (report !== undefined) await writeReport(report, { comparison, facts: [], warnings }, out, json)
}
