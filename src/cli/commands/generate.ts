import { DATASET_WRITERS, type DatasetWriterName } from '../../dataset/writers/index.js'
import { CHUNK_DEFAULTS } from '../../documents/chunk-options.js'
import { GENERATE_DEFAULTS } from '../../generate/defaults.js'
import { LLM_NAMES } from '../../generate/llm/index.js'
import { STYLE_NAMES } from '../../generate/styles.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { type BatchArgs, batchOptions } from '../options/batch-options.js'
import { integer, list, number, text } from '../options/checks.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'
import { splitShares } from '../options/split-shares.js'

const documents = 'Documents:'
const questions = 'Questions:'
const filter = 'Filters:'
const output = 'Output:'
const D = GENERATE_DEFAULTS

/** What `--filter` takes. */
export const FILTERS = ['round-trip', 'near-duplicates'] as const

const options = defineOptions({
  'chunk-tokens': {
    group: documents,
    type: 'number',
    coerce: integer('chunk-tokens', 16),
    default: CHUNK_DEFAULTS.maxTokens,
    describe: 'most tokens in a chunk',
  },
  'chunk-overlap': {
    group: documents,
    type: 'number',
    coerce: integer('chunk-overlap', 0),
    describe: `tokens that a chunk repeats of the one before, at the most (default: ${CHUNK_DEFAULTS.overlap}, or a fifth of the chunk)`,
  },
  llm: {
    group: questions,
    choices: LLM_NAMES,
    demandOption: true,
    describe: 'what writes the questions; none takes headings and sentences of the documents',
  },
  'llm-model': {
    group: questions,
    type: 'string',
    coerce: text('llm-model'),
    describe: "the LLM's name (default: a small one)",
  },
  'llm-base-url': {
    group: questions,
    type: 'string',
    coerce: text('llm-base-url'),
    describe: 'address of an OpenAI-compatible server, such as http://localhost:11434/v1 for Ollama',
  },
  'llm-price': {
    group: questions,
    type: 'string',
    coerce: text('llm-price'),
    describe: 'US dollars for a million tokens in and out, such as 0.15,0.60, instead of the price table',
  },
  questions: {
    group: questions,
    type: 'number',
    coerce: integer('questions', 1),
    default: D.questions,
    describe: 'questions a chunk',
  },
  styles: {
    group: questions,
    type: 'array',
    string: true,
    nargs: 1,
    coerce: list('styles'),
    describe: `what they are like, in turn, separated by commas: ${STYLE_NAMES.join(', ')} (default: ${D.styles.join(',')})`,
  },
  prompt: {
    group: questions,
    type: 'string',
    coerce: text('prompt'),
    describe: 'file with a prompt of your own, with {context} and {n}, and optionally {styles}',
  },
  'max-cost': {
    group: questions,
    type: 'number',
    coerce: number('max-cost', { min: 0 }),
    describe: 'US dollars that the LLM may cost; more is refused before the first request',
  },
  ...batchOptions,
  'dry-run': { group: questions, type: 'boolean', default: false, describe: 'only print the estimate; send nothing' },
  filter: {
    group: filter,
    type: 'array',
    string: true,
    nargs: 1,
    coerce: list('filter'),
    describe: `drop questions by the base embeddings, separated by commas: ${FILTERS.join(', ')}`,
  },
  'filter-k': {
    group: filter,
    type: 'number',
    coerce: integer('filter-k', 1),
    describe: 'round-trip keeps a question whose chunk is among the first so many (default: 10)',
  },
  'filter-cosine': {
    group: filter,
    type: 'number',
    coerce: number('filter-cosine', { min: 0, max: 1 }),
    describe: 'near-duplicates drops a question that is so similar to one of another chunk (default: 0.95)',
  },
  ...providerOptions,
  base: { ...providerOptions.base, describe: 'provider of the base embeddings; needed with --filter' },
  concurrency: { ...providerOptions.concurrency, describe: `requests in flight at once (default: ${D.concurrency})` },
  cache: { ...providerOptions.cache, describe: 'SQLite file that keeps answers and embeddings; "none" for no cache' },
  out: {
    group: output,
    type: 'string',
    alias: 'o',
    coerce: text('out'),
    default: 'data',
    describe: 'folder to write to',
  },
  format: {
    group: output,
    choices: DATASET_WRITERS.map(({ name }) => name),
    default: DATASET_WRITERS[0].name,
    describe: 'format of the data sets',
  },
  split: {
    group: output,
    type: 'string',
    coerce: splitShares,
    default: '0.8,0.1,0.1',
    describe: 'shares of the documents for training, validation and test; 1 for training alone',
  },
  seed: {
    group: output,
    type: 'number',
    coerce: integer('seed', 0),
    default: D.seed,
    describe: 'decides the split and the styles',
  },
  overwrite: { group: output, type: 'boolean', default: false, describe: 'replace data sets that are there' },
  ...outputOptions,
})

export interface GenerateArgs extends ProviderArgs, BatchArgs, OutputArgs {
  readonly documents: readonly string[]
  readonly chunkTokens: number
  readonly chunkOverlap?: number
  readonly llm: string
  readonly llmModel?: string
  readonly llmBaseUrl?: string
  readonly llmPrice?: string
  readonly questions: number
  readonly styles?: readonly string[]
  readonly prompt?: string
  readonly maxCost?: number
  readonly dryRun: boolean
  readonly filter?: readonly string[]
  readonly filterK?: number
  readonly filterCosine?: number
  readonly out: string
  readonly format: DatasetWriterName
  readonly split: { readonly validation: number; readonly test: number }
  readonly seed: number
  readonly overwrite: boolean
}

/** `adapter-train generate` */
export const generateCommand: Command<GenerateArgs> = {
  form: 'generate <documents..>',
  group: 'Get data',
  describe: 'make training, validation and test sets out of documents: an LLM writes the questions',
  positionals: {
    documents: { type: 'string', array: true, describe: 'files, folders or patterns', demandOption: true },
  },
  options,
  examples: [
    ['generate docs/ --llm openai --dry-run', 'what it would cost'],
    ['generate docs/ --llm openai --llm-model gpt-4o-mini --out data', 'questions by OpenAI'],
    ['generate docs/*.pdf --llm openai --llm-base-url http://localhost:11434/v1 --llm-model llama3.1', 'by Ollama'],
    ['generate docs/ --llm openai --batch-api', "at half the price, through OpenAI's Batch API"],
    ['generate docs/ --llm none', 'headings and sentences as queries'],
  ],
  async run(args) {
    const { generate } = await import('../actions/generate.js')
    return generate(args)
  },
}
