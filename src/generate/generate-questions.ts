import { createHash } from 'node:crypto'
import type { BatchOptions } from '../batch/run-batches.js'
import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import type { RetryOptions } from '../embed/retry.js'
import { AdapterTrainError } from '../errors.js'
import { GENERATE_DEFAULTS } from './defaults.js'
import type { ChatModel } from './llm/chat-model.js'
import { type GenerationEstimate, type PlanOptions, planRequests } from './plan-requests.js'
import { checkTemplate, DEFAULT_TEMPLATE } from './prompt.js'
import { type Dropped, readQuestions } from './read-questions.js'
import { runBatchRequests } from './run-batch-requests.js'
import { type FailedChunk, type GenerationProgress, type GenerationStats, runRequests } from './run-requests.js'
import { checkStyles, type StyleName } from './styles.js'

/** How questions are asked for, kept and limited. */
export interface GenerateOptions extends RetryOptions {
  /** Most questions of a chunk; default 2. */
  readonly questions?: number
  /** Prompt with `{context}` and `{n}`, and optionally `{styles}`; default `DEFAULT_TEMPLATE` in src/generate/prompt.ts. */
  readonly template?: string
  /** What queries are like, in turn; default `question` and `keyword`. */
  readonly styles?: readonly StyleName[]
  /** Decides the style with which a chunk begins; default 42. */
  readonly seed?: number
  /** Keeps answers, such as the `completions` of `openCache`. */
  readonly completions?: CompletionCache
  /** How to go about batches, where the model is asked through a Batch API (`batchApi`). */
  readonly batches?: BatchOptions
  /** Requests in flight at once; default 4. */
  readonly concurrency?: number
  /** US dollars: refused before the first request where the estimate is above it, and stopped where the bill is. */
  readonly maxCost?: number
  /** Stops the run: requests in flight are aborted, finished ones stay in the cache. */
  readonly signal?: AbortSignal
  /** Called once, before any request. */
  readonly onEstimate?: (estimate: GenerationEstimate) => void
  /** Called after every chunk. */
  readonly onProgress?: (progress: GenerationProgress) => void
}

/** A question, and the chunk that it was written for. */
export interface GeneratedQuestion {
  /** A hash of the chunk's id and the text. */
  readonly id: string
  readonly text: string
  /** Id of the chunk that it was written for. */
  readonly chunk: string
}

/** Questions of all chunks, what was dropped and why, and what failed. */
export interface GeneratedQuestions {
  /** In the order of the chunks. */
  readonly questions: readonly GeneratedQuestion[]
  readonly dropped: readonly Dropped[]
  /** Queries around which numbering, bullets, labels or quotes were taken away. */
  readonly stripped: number
  /** Chunks for which no answer could be had; a further run asks only for these. */
  readonly failed: readonly FailedChunk[]
  readonly stats: GenerationStats
}

/**
 * Has queries written for every chunk, and keeps the good ones.
 *
 * Answers in the cache are not asked for again; each new one is stored before it is counted. The result depends on the answers
 * alone, not on the order in which they come.
 *
 * @param chunks of several with one id the first counts
 * @param model such as `await createChatModel('openai', { model: 'gpt-4o-mini' })`
 * @throws USAGE when an option is wrong, or the cost is above `maxCost` or cannot be known; before any request
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE when the run cannot go on (wrong key or model, no credit, service down)
 * @throws BATCH_PENDING when batches are under way and `batches.wait` is false
 * @throws ABORTED when `signal` was aborted
 */
export async function generateQuestions(
  chunks: readonly Chunk[],
  model: ChatModel,
  options: GenerateOptions = {},
): Promise<GeneratedQuestions> {
  const plan = planOptionsOf(options)
  const { concurrency = GENERATE_DEFAULTS.concurrency } = options
  checkCount('concurrency', concurrency, 1)
  checkCount('retries', options.retries ?? 0, 0)
  const { requests, estimate } = await planRequests(distinct(chunks), model, plan)
  options.onEstimate?.(estimate)
  checkCost(estimate, model, options.maxCost)

  const { answers, failed, stats } = model.batches
    ? await runBatchRequests(requests, model, plan.template, options)
    : await runRequests(requests, model, plan.template, { ...options, concurrency })
  const seen = new Set<string>()
  const questions: GeneratedQuestion[] = []
  const dropped: Dropped[] = []
  let stripped = 0
  for (const [i, { chunk }] of requests.entries()) {
    const answer = answers[i]
    if (answer === undefined) continue
    const read = readQuestions(chunk, answer, plan.questions, model.extractive === true, seen)
    questions.push(...read.texts.map(text => ({ id: questionId(chunk.id, text), text, chunk: chunk.id })))
    dropped.push(...read.dropped)
    stripped += read.stripped
  }
  return { questions, dropped, stripped, failed, stats }
}

/**
 * Says what {@link generateQuestions} would ask for and what it would cost, without sending anything.
 * @throws USAGE when an option is wrong
 */
export async function estimateGeneration(
  chunks: readonly Chunk[],
  model: ChatModel,
  options: GenerateOptions = {},
): Promise<GenerationEstimate> {
  const { estimate } = await planRequests(distinct(chunks), model, planOptionsOf(options))
  return estimate
}

function planOptionsOf(options: GenerateOptions): PlanOptions {
  const { template = DEFAULT_TEMPLATE, completions } = options
  const { questions = GENERATE_DEFAULTS.questions, seed = GENERATE_DEFAULTS.seed } = options
  checkCount('questions', questions, 1)
  checkCount('seed', seed, Number.MIN_SAFE_INTEGER)
  checkTemplate(template)
  if (options.styles && !template.includes('{styles}')) {
    throw new AdapterTrainError(
      'USAGE',
      'styles of questions are given, but the prompt template has no {styles}; drop one',
    )
  }
  return { questions, template, styles: checkStyles(options.styles ?? GENERATE_DEFAULTS.styles), seed, completions }
}

/** @throws USAGE when the run may cost more than is allowed */
function checkCost({ missing, cost }: GenerationEstimate, model: ChatModel, maxCost: number | undefined): void {
  if (maxCost === undefined || missing === 0) return
  if (!(maxCost >= 0)) throw new AdapterTrainError('USAGE', `maxCost must be US dollars, 0 or more; it is ${maxCost}`)
  if (cost !== undefined && cost <= maxCost) return
  const problem =
    cost === undefined
      ? `no price is known for ${model.id}, so a limit of $${maxCost} cannot be kept; give its price`
      : `the estimate is $${cost.toFixed(4)} for ${missing} chunks, above the limit of $${maxCost}; raise it, or ask for less`
  throw new AdapterTrainError('USAGE', `${problem}. No request was sent`, { details: { cost, maxCost } })
}

function distinct(chunks: readonly Chunk[]): Chunk[] {
  const first = new Map<string, Chunk>()
  for (const chunk of chunks) if (!first.has(chunk.id)) first.set(chunk.id, chunk)
  return [...first.values()]
}

function questionId(chunkId: string, text: string): string {
  return createHash('sha256')
    .update(JSON.stringify([chunkId, text]))
    .digest('hex')
    .slice(0, 16)
}

function checkCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new AdapterTrainError('USAGE', `${name} must be a whole number, ${least} or more; it is ${value}`)
}
