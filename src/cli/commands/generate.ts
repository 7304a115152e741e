import { CHUNK_DEFAULTS } from '../../documents/chunk.js'
import { MAX_DOCUMENT_BYTES } from '../../documents/loaders/loader.js'
import { usageError } from '../../errors.js'
import { GENERATE_DEFAULTS } from '../../generate/defaults.js'
import { LLM_NAMES } from '../../generate/llm/index.js'
import { STYLE_NAMES } from '../../generate/styles.js'
import type { ChatPrice } from '../../providers/prices.js'
import { type Command, outputOptions } from '../command.js'
import { batchOptions } from '../options/batch-options.js'
import { writerOptions } from '../options/dataset-options.js'
import { providerOptions } from '../options/provider-options.js'
import type { ArgsOf } from '../options/rows.js'
import { choice, dir, file, flag, inGroup, integer, list, name, number, text, url } from '../options/rows.js'

const D = GENERATE_DEFAULTS
/** Values of `--filter`. */
export const FILTERS = ['round-trip', 'near-duplicates'] as const
const positionals = { documents: file('files, folders or patterns', { array: true, demandOption: true }) }

const options = {
  ...inGroup('Documents', {
    'max-document-bytes': integer('a document larger than this, after inflating, is skipped', {
      min: 1,
      default: MAX_DOCUMENT_BYTES,
    }),
    'chunk-tokens': integer('maximum tokens per chunk', { min: 16, default: CHUNK_DEFAULTS.maxTokens }),
    'chunk-overlap': integer(
      `maximum tokens repeated from the previous chunk (default: ${CHUNK_DEFAULTS.overlap}, or a fifth of the chunk)`,
      { min: 0 },
    ),
  }),
  ...inGroup('Questions', {
    llm: choice(LLM_NAMES, 'author of the questions; none takes headings and sentences of the documents', { demandOption: true }),
    'llm-model': name("the LLM's name (default: a small one)"),
    'llm-base-url': url('OpenAI-compatible server, such as http://localhost:11434/v1 for Ollama'),
    'llm-price': text('US dollars per million tokens in and out, such as 0.15,0.60, instead of the price table', {
      placeholder: 'N,N',
      coerce: readPrice,
    }),
    questions: integer('questions per chunk', { min: 1, default: D.questions }),
    styles: list(`styles used in turn, separated by commas: ${STYLE_NAMES.join(', ')} (default: ${D.styles.join(',')})`, {
      nargs: 1,
    }),
    prompt: file('prompt of your own, with {context} and {n}, and optionally {styles}'),
    'max-cost': number('maximum US dollars for the LLM, checked before the first request', { min: 0 }),
  }),
  ...batchOptions,
  ...inGroup('Questions', { 'dry-run': flag('estimate only; nothing is sent') }),
  ...inGroup('Filters', {
    filter: list(`filters by the base embeddings, separated by commas: ${FILTERS.join(', ')}`, { nargs: 1 }),
    'filter-k': integer('round-trip keeps a question whose chunk ranks in the top N (default: 10)', { min: 1 }),
    'filter-cosine': number('cosine to a question of another chunk at which near-duplicates drops one (default: 0.95)', {
      min: 0,
      max: 1,
    }),
  }),
  ...providerOptions,
  base: { ...providerOptions.base, describe: 'provider of the base embeddings; required with --filter' },
  concurrency: { ...providerOptions.concurrency, describe: `requests in flight at once (default: ${D.concurrency})` },
  cache: { ...providerOptions.cache, describe: 'SQLite cache of answers and embeddings; "none" for no cache' },
  ...inGroup('Output', {
    out: dir('folder to write to', { alias: 'o', default: 'data' }),
    ...writerOptions('format of the datasets', 'documents'),
    seed: integer('seed of the split and the styles', { min: 0, default: D.seed }),
    overwrite: flag('existing datasets replaced'),
  }),
  ...outputOptions,
}

export type GenerateArgs = ArgsOf<typeof positionals & typeof options>

function readPrice(value: string): ChatPrice {
  const [input, output, ...more] = value.split(',').map(part => (/^\s*\d*\.?\d+\s*$/.test(part) ? Number(part) : Number.NaN))
  if (input >= 0 && output >= 0 && more.length === 0) return { input, output }
  throw usageError(
    `--llm-price must be two numbers, dollars for a million tokens in and out, such as 0.15,0.60; found "${value}"`,
  )
}

export const generateCommand: Command = {
  form: 'generate <documents..>',
  group: 'Get data',
  describe: 'Make datasets from documents, with questions by an LLM',
  positionals,
  options,
  examples: [
    ['generate docs/ --llm openai --dry-run', 'what it would cost'],
    ['generate docs/ --llm openai --llm-model gpt-4o-mini --out data', 'questions by OpenAI'],
    ['generate docs/*.pdf --llm openai --llm-base-url http://localhost:11434/v1 --llm-model llama3.1', 'by Ollama'],
    ['generate docs/ --llm openai --batch-api', "at half the price, through OpenAI's Batch API"],
    ['generate docs/ --llm none', 'headings and sentences as queries'],
  ],
}
