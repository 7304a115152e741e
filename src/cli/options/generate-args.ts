import { AdapterTrainError } from '../../errors.js'
import type { ChatModelOptions } from '../../generate/llm/chat-model.js'
import { kebab } from '../../kebab.js'
import { FILTERS, type GenerateArgs } from '../commands/generate.js'
import { checkBatchArgs } from './batch-options.js'
import { checkProviderArgs, type ProviderArgs } from './provider-options.js'

/** Options of the embedding model alone; who gives one without `--filter` has most likely mistaken it for the LLM's. */
const EMBEDDING_ONLY = [
  ...(['base', 'model', 'dimensions', 'baseUrl', 'baseId', 'dtype', 'device', 'pooling', 'normalize'] as const),
  ...(['queryPrefix', 'documentPrefix', 'revision', 'maxInputTokens', 'batchInputs', 'price'] as const),
]

const LLM_ONLY = ['llmModel', 'llmBaseUrl', 'llmPrice', 'styles', 'prompt'] as const

/**
 * Checks what one option says of another.
 *
 * @throws USAGE when an option would have no effect, or one is missing
 */
export function checkGenerateArgs(args: GenerateArgs): void {
  checkBatchArgs(args, '--llm', args.llm)
  const filters = args.filter ?? []
  const unknown = filters.find(name => !(FILTERS as readonly string[]).includes(name))
  if (unknown !== undefined) throw usage(`--filter must be of ${FILTERS.join(', ')}, found "${unknown}"`)
  const stray = EMBEDDING_ONLY.find(name => args[name] !== undefined)
  if (filters.length === 0 && stray !== undefined) {
    const own = {
      model: '; the model of --llm is named by --llm-model',
      baseUrl: '; the address of --llm is --llm-base-url',
    }
    throw usage(
      `--${kebab(stray)} is for the embeddings of --filter, which is not given${own[stray as keyof typeof own] ?? ''}`,
    )
  }
  if (filters.length > 0 && args.base === undefined) {
    throw usage('--filter needs --base, the embedding model that you will train for')
  }
  if (args.base !== undefined) checkProviderArgs(args.base, embeddingArgs(args))
  for (const [option, name] of [
    ['filterK', 'round-trip'],
    ['filterCosine', 'near-duplicates'],
  ] as const) {
    if (args[option] !== undefined && !filters.includes(name)) throw usage(`--${kebab(option)} is for --filter ${name}`)
  }
  const meaningless = args.llm === 'none' ? LLM_ONLY.find(name => args[name] !== undefined) : undefined
  if (meaningless !== undefined) throw usage(`--${kebab(meaningless)} means nothing to --llm none, which asks nobody`)
}

/** What the embedding model reads; `--timeout` and `--concurrency` are the LLM's where the base has no use for them. */
export function embeddingArgs(args: GenerateArgs): ProviderArgs {
  // The filters look at few texts, and their answers are needed at once.
  const own = { ...args, batchApi: false, wait: true, batchPoll: undefined }
  return args.base === 'hashing' ? { ...own, timeout: undefined } : own
}

/** @throws USAGE when the price is not two numbers */
export function chatModelOptions(args: GenerateArgs): ChatModelOptions {
  return {
    model: args.llmModel,
    baseUrl: args.llmBaseUrl,
    timeoutMs: args.timeout === undefined ? undefined : Math.max(1, Math.round(args.timeout * 1000)),
    price: args.llmPrice === undefined ? undefined : parsePrice(args.llmPrice),
    // A dry run sends nothing, so it needs no key.
    apiKey: args.dryRun ? 'none' : undefined,
    batchApi: args.batchApi,
  }
}

function parsePrice(value: string): NonNullable<ChatModelOptions['price']> {
  const numbers = parseNumbers(value)
  if (numbers?.length === 2) return { input: numbers[0], output: numbers[1] }
  throw usage(
    `--llm-price must be two numbers, dollars for a million tokens in and out, such as 0.15,0.60; found "${value}"`,
  )
}

function parseNumbers(value: string): number[] | undefined {
  const parts = value.split(',').map(part => part.trim())
  return parts.every(part => /^\d*\.?\d+$/.test(part)) ? parts.map(Number) : undefined
}

function usage(message: string): AdapterTrainError {
  return new AdapterTrainError('USAGE', message)
}
