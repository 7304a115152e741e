import { existsSync } from 'node:fs'
import { isAbsolute, relative } from 'node:path'
import { checkPartsFolder, writeParts } from '../../dataset/write-parts.js'
import type { Chunk } from '../../documents/chunk.js'
import { chunkDocuments } from '../../documents/chunk-documents.js'
import { type LoadedDocuments, loadDocuments } from '../../documents/load-documents.js'
import { selectEngine } from '../../engines/select.js'
import { AdapterTrainError } from '../../errors.js'
import { type AssignedChunks, assignParts } from '../../generate/assign-parts.js'
import { buildParts } from '../../generate/build-parts.js'
import { filterNearDuplicates } from '../../generate/filter-near-duplicates.js'
import { filterRoundTrip } from '../../generate/filter-round-trip.js'
import type { FilteredQuestions } from '../../generate/filtered-questions.js'
import {
  estimateGeneration,
  type GeneratedQuestion,
  type GeneratedQuestions,
  type GenerateOptions,
  generateQuestions,
} from '../../generate/generate-questions.js'
import type { ChatModel } from '../../generate/llm/chat-model.js'
import { createChatModel } from '../../generate/llm/index.js'
import type { GenerationEstimate } from '../../generate/plan-requests.js'
import { readTemplate } from '../../generate/prompt.js'
import { checkStyles } from '../../generate/styles.js'
import { CHAT_PRICES_DATE } from '../../providers/chat-prices.js'
import type { GenerateArgs } from '../commands/generate.js'
import { onInterrupt } from '../interrupt.js'
import { batchReporting, untilSubmitted } from '../options/batch-options.js'
import { chatModelOptions, checkGenerateArgs, embeddingArgs } from '../options/generate-args.js'
import { openCacheOption } from '../options/provider-options.js'
import { type Console, createConsole } from '../output/console.js'
import { generateReport, generateTable } from '../output/generate-report.js'
import { afterWriting } from '../output/next-steps.js'
import { count } from '../output/tables.js'
import { formatDollars, withSession } from '../session.js'

/** Most files and chunks that are listed one by one. */
const LISTED = 20

/** Makes data sets out of documents, or says what that would cost. */
export function generate(args: GenerateArgs): Promise<undefined> {
  const out = createConsole(args)
  return untilSubmitted(args, out, () => makeDatasets(args, out))
}

async function makeDatasets(args: GenerateArgs, out: Console): Promise<undefined> {
  checkGenerateArgs(args)
  const { format, overwrite, split } = args
  const wanted = { train: true, validation: split.validation > 0 || undefined, test: split.test > 0 || undefined }
  if (!args.dryRun) checkPartsFolder(wanted, args.out, { format, overwrite })
  const template = args.prompt === undefined ? undefined : await readTemplate(args.prompt)
  const styles = args.styles && checkStyles(args.styles)

  const interrupt = onInterrupt(out)
  const { signal } = interrupt
  const model = await createChatModel(args.llm, chatModelOptions(args))
  const { documents, skipped } = withoutOutput(await loadDocuments(args.documents, { signal }), args.out)
  const listed = skipped.map(({ file, reason, partly }) => `${file}${partly ? ' (read in part)' : ''} ${reason}`)
  warnList(out, `${count(skipped.length, 'file')} skipped or not read as a whole`, listed)
  const chunks = await chunkDocuments(documents, { maxTokens: args.chunkTokens, overlap: args.chunkOverlap, signal })
  if (chunks.length === 0)
    throw new AdapterTrainError('DATASET_INVALID', `there is no text in ${args.documents.join(', ')}`)
  const assigned = assignParts(chunks, split, args.seed)
  explainSplit(assigned, documents.length, out)

  // A dry run makes no cache file.
  const cache = args.dryRun && !existsSync(args.cache) ? undefined : await openCacheOption(args)
  const completions = cache?.completions
  const { questions, seed, concurrency, retries, maxCost } = args
  const batches = cache && args.batchApi ? batchReporting(args, cache.batches, out) : undefined
  const options = { questions, template, styles, seed, concurrency, retries, maxCost, completions, batches, signal }
  let generated: GeneratedQuestions
  try {
    if (args.dryRun) {
      const estimate = await estimateGeneration(assigned.chunks, model, options)
      if (args.json)
        out.json({
          llm: model.id,
          documents: documents.length,
          skipped,
          estimate: { ...estimate, cost: estimate.cost ?? null },
        })
      out.result(`${count(documents.length, 'document')}, ${describeEstimate(estimate, model)}`)
      return
    }
    generated = await ask(assigned.chunks, model, options, out)
  } finally {
    cache?.close()
    interrupt.release()
  }

  const failures = generated.failed.map(({ chunk, error }) => `${nameOf(chunk)}: ${error.message}`)
  warnList(out, `${count(failures.length, 'chunk')} failed`, failures)
  if (generated.questions.length === 0) throw nothingLeft(generated)
  const filtered = await applyFilters(generated.questions, chunks, args, out)
  const { parts, dropped } = buildParts(filtered.kept, assigned)
  const { files, losses } = writeParts(parts, args.out, { format, overwrite })
  for (const loss of losses) out.warn(loss)

  const shared = { llm: model.id, documents: documents.length, skipped, assigned, generated, parts, files }
  const result = { ...shared, filtered: [...filtered.dropped, ...dropped] }
  out.result(generateTable(result, out.style))
  if (failures.length > 0) throw someFailed(generated, args, generateReport(result))
  if (args.json) out.json(generateReport(result))
  else out.next(afterWriting(files))
}

/** Data sets of an earlier run are no documents, also where their folder is among those that are read. */
function withoutOutput({ documents, skipped }: LoadedDocuments, folder: string): LoadedDocuments {
  const isOutput = (file: string): boolean => {
    const path = relative(folder, file)
    return folder !== '.' && path !== '' && !path.startsWith('..') && !isAbsolute(path)
  }
  const written = documents
    .filter(({ file }) => isOutput(file))
    .map(({ file }) => ({ file, reason: 'is in the folder of --out' }))
  return { documents: documents.filter(({ file }) => !isOutput(file)), skipped: [...skipped, ...written] }
}

/** Asks for what the cache does not have, and shows how far it is. */
async function ask(
  chunks: readonly Chunk[],
  model: ChatModel,
  options: GenerateOptions,
  out: Console,
): Promise<GeneratedQuestions> {
  const bar = out.progress('asking', 'chunks')
  try {
    return await generateQuestions(chunks, model, {
      ...options,
      onEstimate: estimate => out.info(describeEstimate(estimate, model)),
      onProgress: ({ done, total, failed }) => bar.update(done, total, failed > 0 ? `${failed} failed` : undefined),
      onRetry({ attempt, attempts, delayMs, reason }) {
        bar.end()
        out.warn(
          `request failed (attempt ${attempt} of ${attempts}), next try in ${(delayMs / 1000).toFixed(1)} s: ${reason}`,
        )
      },
    })
  } finally {
    bar.end()
  }
}

async function applyFilters(
  questions: readonly GeneratedQuestion[],
  chunks: readonly Chunk[],
  args: GenerateArgs,
  out: Console,
): Promise<FilteredQuestions> {
  if (args.filter === undefined) return { kept: questions, dropped: [] }
  return withSession(args.base!, embeddingArgs(args), out, async ({ provider, cache, signal, embed }) => {
    const { engine } = await selectEngine('auto')
    const options = { ...embed, cache, signal }
    const none = async (kept: readonly GeneratedQuestion[]): Promise<FilteredQuestions> => ({ kept, dropped: [] })
    try {
      const found = args.filter!.includes('round-trip')
        ? await filterRoundTrip(questions, chunks, provider, engine, { ...options, k: args.filterK })
        : await none(questions)
      const single = args.filter!.includes('near-duplicates')
        ? await filterNearDuplicates(found.kept, provider, engine, { ...options, threshold: args.filterCosine })
        : await none(found.kept)
      return { kept: single.kept, dropped: [...found.dropped, ...single.dropped] }
    } finally {
      engine.dispose()
    }
  })
}

function describeEstimate(
  { chunks, cached, missing, inputTokens, outputTokens, cost }: GenerationEstimate,
  model: ChatModel,
): string {
  const asked = `${count(chunks, 'chunk')} for ${model.id}`
  if (model.extractive) return `${asked}: no LLM is asked`
  const tokens = `about ${inputTokens.toLocaleString('en')} tokens in and ${outputTokens.toLocaleString('en')} out`
  const dated = cost === undefined || cost === 0 ? '' : ` (prices of ${CHAT_PRICES_DATE}, or --llm-price)`
  const price = cost === undefined ? 'cost unknown (--llm-price)' : `about ${formatDollars(cost)}${dated}`
  return `${asked}: ${cached} answered in the cache, ${missing} to ask for${missing > 0 ? `, ${tokens}, ${price}` : ''}`
}

function explainSplit({ by, leftOut }: AssignedChunks, documents: number, out: Console): void {
  if (by === 'block') {
    out.warn(
      `${count(documents, 'document')} cannot be divided by the shares of --split, so each part is a run of consecutive chunks; ` +
        'more documents make a better test',
    )
  }
  const listed = leftOut.map(({ chunk, reason, like }) => {
    const why = reason === 'overlap' ? 'begins with the end of' : 'is near-identical to'
    return `${nameOf(chunk)} ${why} chunk ${like} of another part`
  })
  warnList(out, `${count(leftOut.length, 'chunk')} left out, so that the parts share no text`, listed)
}

function warnList(out: Console, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  const more = lines.length > LISTED ? [`and ${lines.length - LISTED} more`] : []
  out.warn(`${title}:\n  ${[...lines.slice(0, LISTED), ...more].join('\n  ')}`)
}

function nameOf({ id, source: { file, page } }: Chunk): string {
  return `${file}${page === undefined ? '' : `, page ${page}`} (chunk ${id})`
}

function nothingLeft({ failed, dropped }: GeneratedQuestions): AdapterTrainError {
  if (failed.length > 0) {
    const { error } = failed[0]
    return new AdapterTrainError(
      error.code,
      `no question was written; ${count(failed.length, 'chunk')} failed: ${error.message}`,
    )
  }
  const reasons = [...new Set(dropped.map(({ reason }) => reason))].join(', ') || 'the answers hold none'
  return new AdapterTrainError('DATASET_INVALID', `no question is left (${reasons}); nothing was written`)
}

function someFailed({ failed, stats }: GeneratedQuestions, args: GenerateArgs, report: object): AdapterTrainError {
  const again = args.cache === 'none' ? 'run again' : 'run again with --overwrite, and only these are asked for'
  return new AdapterTrainError(
    failed[0].error.code,
    `${failed.length} of ${count(stats.chunks, 'chunk')} failed and have no questions in ${args.out}; ${again}. ` +
      `The first: ${failed[0].error.message}`,
    { details: { report } },
  )
}
