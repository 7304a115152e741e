import { existsSync } from 'node:fs'
import { isAbsolute, relative } from 'node:path'
import { smallTestSet } from '../../dataset/small-test-set.js'
import type { DatasetSplit } from '../../dataset/split.js'
import { checkPartsFolder, writeParts } from '../../dataset/write-parts.js'
import { partsOf } from '../../dataset/writers/writer.js'
import type { Chunk } from '../../documents/chunk.js'
import { chunkDocuments } from '../../documents/chunk-documents.js'
import { type LoadedDocuments, loadDocuments, type SkippedFile } from '../../documents/load-documents.js'
import { selectEngine } from '../../engines/index.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { fileIdentity } from '../../files.js'
import { type AssignedChunks, assignParts } from '../../generate/assign-parts.js'
import { buildParts } from '../../generate/build-parts.js'
import type { FilteredOut, FilteredQuestions } from '../../generate/filter.js'
import { filterNearDuplicates, filterRoundTrip } from '../../generate/filter.js'
import type { GeneratedQuestion, GeneratedQuestions, GenerateOptions } from '../../generate/generate-questions.js'
import { estimateGeneration, generateQuestions } from '../../generate/generate-questions.js'
import type { ChatModel } from '../../generate/llm/chat-model.js'
import { createChatModel } from '../../generate/llm/index.js'
import type { GenerationEstimate } from '../../generate/plan-requests.js'
import { readTemplate } from '../../generate/prompt.js'
import { checkStyles } from '../../generate/styles.js'
import { CHAT_PRICES_DATE } from '../../providers/prices.js'
import { formatDollars, whole } from '../../report/format.js'
import { kebab } from '../../words.js'
import { FILTERS, type GenerateArgs } from '../commands/generate.js'
import { onInterrupt } from '../interrupt.js'
import { batchReporting, checkBatchArgs } from '../options/batch-options.js'
import { checkOutFolder } from '../options/data-files.js'
import type { ProviderArgs } from '../options/provider-options.js'
import { checkProviderArgs, openCacheOption, SPACE_OPTIONS, timeoutMs, withoutEffect } from '../options/provider-options.js'
import { type Console, createConsole, formatTable, listed } from '../output/console.js'
import { afterWriting } from '../output/next-steps.js'
import type { Style } from '../output/style.js'
import { count } from '../output/tables.js'
import { retryReporting, withSession } from '../session.js'

export async function generate(args: GenerateArgs): Promise<void> {
  const out = createConsole(args)
  checkGenerateArgs(args)
  const { format, overwrite, split } = args
  const wanted = { train: true, validation: split.validation > 0 || undefined, test: split.test > 0 || undefined }
  if (!args.dryRun) {
    // Of a folder that is written to, the datasets are not read.
    const files = args.documents.filter(path => fileIdentity(path) !== fileIdentity(args.out))
    checkOutFolder(args.out, [...files, args.prompt], format)
    checkPartsFolder(wanted, args.out, { format, overwrite })
  }
  const template = args.prompt === undefined ? undefined : await readTemplate(args.prompt)
  const styles = args.styles && checkStyles(args.styles)

  const interrupt = onInterrupt(out)
  const { signal } = interrupt
  const model = await createChatModel(args.llm, {
    model: args.llmModel,
    baseUrl: args.llmBaseUrl,
    price: args.llmPrice,
    timeoutMs: timeoutMs(args),
    // A dry run sends nothing, so it needs no key.
    apiKey: args.dryRun ? 'none' : undefined,
    batchApi: args.batchApi,
  })
  const loaded = await loadDocuments(args.documents, { signal, maxBytes: args.maxDocumentBytes })
  const { documents, skipped } = withoutOutput(loaded, args.out)
  const unread = skipped.map(({ file, reason, partly }) => `${file}${partly ? ' (read in part)' : ''} ${reason}`)
  warnList(out, `${count(skipped.length, 'file')} skipped or not read as a whole`, unread)
  const chunks = await chunkDocuments(documents, { maxTokens: args.chunkTokens, overlap: args.chunkOverlap, signal })
  if (chunks.length === 0) throw new AdapterTrainError('DATASET_INVALID', `there is no text in ${args.documents.join(', ')}`)
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
      const { cost = null } = estimate
      out.json({ llm: model.id, documents: documents.length, skipped, estimate: { ...estimate, cost } })
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
  for (const warning of warningsOf(parts)) out.warn(warning)

  const facts = { llm: model.id, documents: documents.length, skipped, assigned, generated, parts, files }
  const report = reportOf({ ...facts, filtered: [...filtered.dropped, ...dropped] })
  out.result(tableOf(report, out.style))
  if (failures.length > 0) throw someFailed(generated, args, report)
  out.json(report)
  out.next(afterWriting(files))
}

/** Leaves out the datasets of an earlier run, even if their folder is among those that are read. */
function withoutOutput({ documents, skipped }: LoadedDocuments, folder: string): LoadedDocuments {
  const isOutput = (file: string): boolean => {
    const path = relative(folder, file)
    return folder !== '.' && path !== '' && !path.startsWith('..') && !isAbsolute(path)
  }
  const written = documents.filter(({ file }) => isOutput(file))
  return {
    documents: documents.filter(({ file }) => !isOutput(file)),
    skipped: [...skipped, ...written.map(({ file }) => ({ file, reason: 'is in the folder of --out' }))],
  }
}

/** Generates what is not cached, with progress. */
async function ask(chunks: readonly Chunk[], model: ChatModel, options: GenerateOptions, out: Console) {
  const bar = out.progress('asking', 'chunks')
  try {
    return await generateQuestions(chunks, model, {
      ...options,
      onEstimate: estimate => out.info(describeEstimate(estimate, model)),
      onProgress: ({ done, total, failed }) => bar.update(done, total, failed > 0 ? `${failed} failed` : undefined),
      onRetry: retryReporting(out, bar),
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
  let kept = questions
  const dropped: FilteredOut[] = []
  const { filter, filterK: k, filterCosine: threshold } = args
  if (filter === undefined) return { kept, dropped }
  return withSession(embeddingArgs(args), out, async ({ provider, cache, signal, embed }) => {
    const { engine } = await selectEngine('auto')
    const options = { ...embed, cache, signal }
    const filters = {
      'round-trip': () => filterRoundTrip(kept, chunks, provider, engine, { ...options, k }),
      'near-duplicates': () => filterNearDuplicates(kept, provider, engine, { ...options, threshold }),
    }
    try {
      for (const name of FILTERS.filter(name => filter.includes(name))) {
        const found = await filters[name]()
        kept = found.kept
        dropped.push(...found.dropped)
      }
      return { kept, dropped }
    } finally {
      engine.dispose()
    }
  })
}

function describeEstimate(estimate: GenerationEstimate, model: ChatModel): string {
  const { chunks, cached, missing, inputTokens, outputTokens, cost } = estimate
  const asked = `${count(chunks, 'chunk')} for ${model.id}`
  if (model.extractive) return `${asked}: no LLM is asked`
  const tokens = `about ${whole(inputTokens)} tokens in and ${whole(outputTokens)} out`
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
  const left = leftOut.map(({ chunk, reason, like }) => {
    const why = reason === 'overlap' ? 'begins with the end of' : 'is a near-duplicate of'
    return `${nameOf(chunk)} ${why} chunk ${like} of another part`
  })
  warnList(out, `${count(leftOut.length, 'chunk')} without questions, so that the parts ask about no common text`, left)
}

function warnList(out: Console, title: string, lines: readonly string[]): void {
  if (lines.length > 0) out.warn(`${title}:\n${listed(lines)}`)
}

function nameOf({ id, source: { file, page } }: Chunk): string {
  return `${file}${page === undefined ? '' : `, page ${page}`} (chunk ${id})`
}

function nothingLeft({ failed, dropped }: GeneratedQuestions): AdapterTrainError {
  if (failed.length > 0) {
    const { error } = failed[0]
    return new AdapterTrainError(error.code, `no question was written; ${count(failed.length, 'chunk')} failed: ${error.message}`)
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

interface Result {
  readonly llm: string
  readonly documents: number
  readonly skipped: readonly SkippedFile[]
  readonly assigned: AssignedChunks
  readonly generated: GeneratedQuestions
  readonly filtered: readonly FilteredOut[]
  readonly parts: DatasetSplit
  readonly files: readonly string[]
}

/** Builds the object of `--json`. */
function reportOf(result: Result) {
  const { assigned, generated, filtered } = result
  const parts = partsOf(result.parts)
  const { requests, retries, cached, inputTokens, outputTokens, cost } = generated.stats
  const counts = new Map<string, number>()
  for (const { reason } of [...generated.dropped, ...filtered]) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return {
    llm: result.llm,
    documents: { read: result.documents, skipped: result.skipped },
    chunks: {
      asked: generated.stats.chunks,
      splitBy: assigned.by,
      leftOut: assigned.leftOut.map(({ chunk, reason, like }) => ({ ...placeOf(chunk), reason, like })),
      failed: generated.failed.map(({ chunk, error: { code, message } }) => ({ ...placeOf(chunk), code, message })),
    },
    questions: {
      kept: parts.reduce((sum, [, { queries }]) => sum + queries.size, 0),
      stripped: generated.stripped,
      dropped: Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    },
    parts: Object.fromEntries(
      parts.map(([part, { queries, corpus }]) => [part, { questions: queries.size, chunks: corpus.size }]),
    ),
    files: result.files,
    warnings: warningsOf(result.parts),
    llmUse: { requests, retries, cachedAnswers: cached, inputTokens, outputTokens, cost: cost ?? null },
    dropped: [
      ...generated.dropped.map(({ chunk, reason, text }) => ({ chunk, reason, text })),
      ...filtered.map(({ chunk, reason, text, like, similarity }) => ({ chunk, reason, text, like, similarity })),
    ],
  }
}

function warningsOf({ test }: DatasetSplit): string[] {
  return test ? smallTestSet(test.name, test.queries.size, test.corpus.size) : []
}

function tableOf(report: ReturnType<typeof reportOf>, style: Style): string {
  const { requests, retries, cachedAnswers, inputTokens, outputTokens, cost } = report.llmUse
  const number = (n: number): string => whole(n)
  const rows = [
    ['documents', number(report.documents.read)],
    ...only('  skipped or read in part', report.documents.skipped.length),
    ['chunks', number(report.chunks.asked)],
    ...only('  left out of the split', report.chunks.leftOut.length),
    ...only('  failed', report.chunks.failed.length),
    ['questions', number(report.questions.kept)],
    ...Object.entries(report.questions.dropped).map(([reason, n]) => [`  dropped: ${reason}`, number(n)]),
    ...(report.llm === 'none'
      ? []
      : [
          ['requests', `${number(requests)}${retries > 0 ? ` (${count(retries, 'retry', 'retries')})` : ''}`],
          ['answers from the cache', number(cachedAnswers)],
          ['tokens in', number(inputTokens)],
          ['tokens out', number(outputTokens)],
          ['cost', cost === null ? 'unknown' : formatDollars(cost)],
        ]),
  ]
  const parts = Object.entries(report.parts).map(([part, { questions, chunks }]) => [part, number(questions), number(chunks)])
  return [formatTable(rows), formatTable([['part', 'questions', 'chunks'], ...parts], style), report.files.join('\n')].join(
    '\n\n',
  )
}

const only = (label: string, n: number): string[][] => (n === 0 ? [] : [[label, whole(n)]])

const placeOf = ({ id, source }: Chunk): { readonly chunk: string } & Chunk['source'] => ({ chunk: id, ...source })

/** Options of the embedding model alone; given without `--filter`, they are likely mistaken for the LLM's. */
const EMBEDDING_ONLY = [...SPACE_OPTIONS, 'device', 'maxInputTokens', 'batchInputs', 'price'] as const

const LLM_HINTS: Readonly<Record<string, string>> = {
  model: '; the model of --llm is named by --llm-model',
  baseUrl: '; the address of --llm is --llm-base-url',
}

const LLM_ONLY = ['llmModel', 'llmBaseUrl', 'llmPrice', 'styles', 'prompt'] as const

/** Checks what one option says of another. */
function checkGenerateArgs(args: GenerateArgs): void {
  checkBatchArgs(args, '--llm', args.llm)
  const filters = args.filter ?? []
  const unknown = filters.find(name => !(FILTERS as readonly string[]).includes(name))
  if (unknown !== undefined) throw usageError(`--filter must be of ${FILTERS.join(', ')}, found "${unknown}"`)
  const stray = EMBEDDING_ONLY.find(name => args[name] !== undefined)
  if (filters.length === 0 && stray !== undefined) {
    const hint = LLM_HINTS[stray] ?? ''
    throw usageError(`--${kebab(stray)} is for the embeddings of --filter, which is not given${hint}`)
  }
  if (filters.length > 0 && args.base === undefined)
    throw usageError('--filter needs --base, the embedding model that you will train for')
  checkProviderArgs(args.base, embeddingArgs(args))
  if (args.filterK !== undefined && !filters.includes('round-trip')) throw usageError('--filter-k is for --filter round-trip')
  if (args.filterCosine !== undefined && !filters.includes('near-duplicates'))
    throw usageError('--filter-cosine is for --filter near-duplicates')
  const meaningless = args.llm === 'none' ? LLM_ONLY.find(name => args[name] !== undefined) : undefined
  if (meaningless !== undefined) throw usageError(`--${kebab(meaningless)} has no effect with --llm none, which uses no LLM`)
}

/** Arguments of the embedding model; `--timeout` and `--concurrency` are the LLM's if the base does not use them. */
function embeddingArgs(args: GenerateArgs): ProviderArgs {
  // The filters look at few texts, and their answers are needed at once.
  const own = { ...args, batchApi: false, wait: true, batchPoll: undefined }
  const llms = withoutEffect(args.base ?? '').filter(name => name === 'timeout' || name === 'concurrency')
  return { ...own, ...Object.fromEntries(llms.map(name => [name, undefined])) }
}
