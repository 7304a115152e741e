import { hash } from 'node:crypto'
import type { BatchJob } from '../batch-api/jobs.js'
import { type BatchOptions, runBatches } from '../batch-api/run-batches.js'
import type { CompletionCache } from '../cache/cache.js'
import type { Chunk } from '../documents/chunk.js'
import type { RetryOptions } from '../embed/retry.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { GENERATE_DEFAULTS } from './defaults.js'
import type { ChatModel } from './llm/chat-model.js'
import type { GenerationEstimate, GenerationPlanOptions, PlannedRequest } from './plan-requests.js'
import { planRequests, readAnswer } from './plan-requests.js'
import { checkTemplate, DEFAULT_TEMPLATE, renderPrompt } from './prompt.js'
import { type Dropped, readQuestions } from './read-questions.js'
import type { FailedChunk, GenerationOutcome, GenerationRunOptions, GenerationStats } from './run-requests.js'
import { runRequests, withCost } from './run-requests.js'
import { checkStyles } from './styles.js'

/** Options of generating questions; defaults in `GENERATE_DEFAULTS` and `DEFAULT_TEMPLATE`. */
export interface GenerateOptions extends Partial<GenerationPlanOptions>, Partial<GenerationRunOptions> {
  /** Options of the batches, for a model with `batchApi`. */
  readonly batches?: BatchOptions
  /** Called once, before any request. */
  readonly onEstimate?: (estimate: GenerationEstimate) => void
}

/** Question, and the chunk it was written for. */
export interface GeneratedQuestion {
  /** Hash of the chunk's id and the text. */
  readonly id: string
  readonly text: string
  readonly chunk: string
}

/** Questions of all chunks, dropped questions, and failed chunks. */
export interface GeneratedQuestions {
  /** In the order of the chunks. */
  readonly questions: readonly GeneratedQuestion[]
  readonly dropped: readonly Dropped[]
  /** Number of queries from which numbering, bullets, labels or quotes were removed. */
  readonly stripped: number
  /** Chunks without an answer; a further run sends only these. */
  readonly failed: readonly FailedChunk[]
  readonly stats: GenerationStats
}

/**
 * Generates queries for every chunk with an LLM, and keeps the good ones.
 *
 * Answers in the cache are not requested again; each new one is stored before it is counted. The result depends on the answers
 * alone, not on their order.
 * @param chunks of several with one id, the first counts
 * @param model such as `await createChatModel('openai', { model: 'gpt-4o-mini' })`
 * @throws USAGE when an option is wrong, or the cost is above `maxCost` or not known; before any request
 * @throws PROVIDER_REQUEST, PROVIDER_RESPONSE when the run cannot continue (wrong key or model, no credit, service down)
 * @throws BATCH_PENDING when batches are pending and `batches.wait` is false
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
    const idOf = (text: string): string => hash('sha256', JSON.stringify([chunk.id, text])).slice(0, 16)
    questions.push(...read.texts.map(text => ({ id: idOf(text), text, chunk: chunk.id })))
    dropped.push(...read.dropped)
    stripped += read.stripped
  }
  return { questions, dropped, stripped, failed, stats }
}

/**
 * Estimates the requests and cost of {@link generateQuestions}, without sending anything.
 * @throws USAGE when an option is wrong
 */
export async function estimateGeneration(chunks: readonly Chunk[], model: ChatModel, options: GenerateOptions = {}) {
  return (await planRequests(distinct(chunks), model, planOptionsOf(options))).estimate
}

function planOptionsOf(options: GenerateOptions): GenerationPlanOptions {
  const { template = DEFAULT_TEMPLATE, completions } = options
  const { questions = GENERATE_DEFAULTS.questions, seed = GENERATE_DEFAULTS.seed } = options
  checkCount('questions', questions, 1)
  checkCount('seed', seed, Number.MIN_SAFE_INTEGER)
  checkTemplate(template)
  if (options.styles && !template.includes('{styles}'))
    throw usageError('styles cannot be used with a prompt template without {styles}. Add it, or omit the styles')
  return { questions, template, styles: checkStyles(options.styles ?? GENERATE_DEFAULTS.styles), seed, completions }
}

function checkCost({ missing, cost }: GenerationEstimate, model: ChatModel, maxCost: number | undefined): void {
  if (maxCost === undefined || missing === 0) return
  if (!(maxCost >= 0)) throw usageError(`maxCost: expected US dollars, at least 0, found ${maxCost}`)
  if (cost !== undefined && cost <= maxCost) return
  const problem =
    cost === undefined
      ? `the price of ${model.id} is not known, so a limit of $${maxCost} cannot be kept. Give its price`
      : `the estimate is $${cost.toFixed(4)} for ${missing} chunks, above the limit of $${maxCost}. Raise it, or generate less`
  throw usageError(`${problem}. No request was sent`, { details: { cost, maxCost } })
}

function distinct(chunks: readonly Chunk[]): Chunk[] {
  const first = new Map<string, Chunk>()
  for (const chunk of chunks) if (!first.has(chunk.id)) first.set(chunk.id, chunk)
  return [...first.values()]
}

function checkCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw usageError(`${name}: expected a whole number of at least ${least}, found ${value}`)
}

/** Sends the requests without an answer in the cache through the model's Batch API, and stores the answers. */
async function runBatchRequests(
  requests: readonly PlannedRequest[],
  model: ChatModel,
  template: string,
  options: RetryOptions & { readonly completions?: CompletionCache; readonly batches?: BatchOptions },
): Promise<GenerationOutcome> {
  const { batches } = model
  const { completions, batches: batchOptions } = options
  if (batches === undefined || completions === undefined || batchOptions === undefined) {
    const fix = 'Pass { completions: cache.completions, batches: { store: cache.batches } }'
    throw usageError(`the Batch API needs a cache file. ${fix}`)
  }
  const { client } = batches
  const missing = requests.filter(({ answer }) => answer === undefined)
  const job: BatchJob = {
    client,
    scope: { kind: 'chat', space: model.cacheKey ?? model.id, model: client.model, baseUrl: client.baseUrl },
    keys: missing.map(({ key }) => key),
    missing: indices => indices.filter(i => completions.get(missing[i].key) === undefined),
    *requests(indices) {
      for (const i of indices) {
        const { chunk, styles, key } = missing[i]
        yield { keys: [key], body: batches.body(renderPrompt(template, chunk.text, styles)) }
      }
    },
    read([key], body) {
      const answer = batches.read(body)
      const { inputTokens, outputTokens } = answer
      return { inputTokens, outputTokens, save: () => completions.set(key, model.id, JSON.stringify(answer)) }
    },
  }
  const outcome = await runBatches(missing.length > 0 ? [job] : [], batchOptions, options)

  const reasons = new Map(outcome.failures.map(failure => [hex(failure.keys[0]), failure]))
  const failed: FailedChunk[] = []
  const answers = requests.map(({ answer, key, chunk }) => {
    if (answer !== undefined) return answer
    const stored = readAnswer(completions.get(key))
    if (stored !== undefined) return stored
    const failure = reasons.get(hex(key))
    const message = failure
      ? `${client.name}: ${failure.reason} (batch ${failure.batch}, request ${failure.customId})`
      : `${client.name}: the answer is no longer in the cache`
    const details = { provider: model.id, batch: failure?.batch, customId: failure?.customId }
    failed.push({ chunk, error: new AdapterTrainError('PROVIDER_REQUEST', message, { details }) })
    return undefined
  })
  const { inputTokens, outputTokens } = outcome
  const cached = requests.length - outcome.requests - failed.length
  const sent = outcome.requests + outcome.failures.length
  const counts = { chunks: requests.length, cached, requests: sent, retries: 0, inputTokens, outputTokens }
  return { answers, failed, stats: withCost(counts, model) }
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
