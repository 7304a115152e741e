import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AdapterTrainError, messageOf } from '../../errors.js'
import { parseJsonText } from '../../json.js'
import type { ProviderOptions, Role } from '../provider.js'
import { modelError } from './files.js'
import type { PoolingMode } from './pooling.js'

/** Treatment of a model's texts and token vectors. */
export interface ModelSettings {
  readonly pooling: readonly PoolingMode[]
  readonly normalize: boolean
  /** Longest text in tokens, special tokens included. */
  readonly maxTokens: number
  readonly lowerCase: boolean
  readonly prefix: Readonly<Record<Role, string>>
  /** Modules after pooling, which only the model's own `sentence_embedding` output can include. */
  readonly extraModules: readonly string[]
}

type Json = Record<string, unknown>

/**
 * Reads the model's own files; without a setting, uses the preset of its family, else mean pooling and unit length.
 *
 * The files are config.json, tokenizer_config.json and, if present, those of sentence-transformers: modules.json,
 * 1_Pooling/config.json, config_sentence_transformers.json, sentence_bert_config.json.
 * @see https://sbert.net/docs/sentence_transformer/usage/custom_models.html
 */
export async function readModelSettings(folder: string, name: string): Promise<ModelSettings> {
  const preset = presetOf(name)
  const config = (await readJson(folder, 'config.json')) ?? {}
  const tokenizer = (await readJson(folder, 'tokenizer_config.json')) ?? {}
  const sbert = (await readJson(folder, 'sentence_bert_config.json')) ?? {}
  const st = (await readJson(folder, 'config_sentence_transformers.json')) ?? {}
  const modules = await readModules(folder)
  const poolingConfig = await readJson(folder, `${modules?.poolingPath ?? '1_Pooling'}/config.json`)
  const prompts = promptsOf(st)
  const stated = typeof config.normalize === 'boolean' ? config.normalize : undefined
  return {
    pooling: (poolingConfig && poolingOf(poolingConfig, folder)) ?? [preset?.pooling ?? 'mean'],
    normalize: modules?.normalize ?? stated ?? preset?.normalize ?? true,
    maxTokens: maxTokensOf(config, tokenizer, sbert, preset?.maxTokens),
    lowerCase: sbert.do_lower_case === true,
    prefix: { query: prompts.query ?? preset?.query ?? '', document: prompts.document ?? preset?.document ?? '' },
    extraModules: modules?.extra ?? [],
  }
}

/** Applies the user's options; `maxInputTokens` only lowers the model's own limit. */
export function withOptions(settings: ModelSettings, options: ProviderOptions): ModelSettings {
  return {
    ...settings,
    pooling: options.pooling === undefined ? settings.pooling : [options.pooling],
    normalize: options.normalize ?? settings.normalize,
    maxTokens: Math.min(settings.maxTokens, options.maxInputTokens ?? Infinity),
    prefix: { query: options.queryPrefix ?? settings.prefix.query, document: options.documentPrefix ?? settings.prefix.document },
  }
}

/** Modules this program applies itself, or that change nothing at inference. */
const KNOWN_MODULES = ['Transformer', 'StaticEmbedding', 'Pooling', 'Normalize', 'Dropout']

async function readModules(folder: string) {
  const list = await readJson<unknown>(folder, 'modules.json')
  if (list === undefined) return undefined
  if (!Array.isArray(list)) throw invalid(folder, 'modules.json', 'expected a list of modules')
  const modules = list.map((module: Json) => ({
    kind: /[^.]*$/.exec(String(module?.type ?? ''))![0],
    path: String(module?.path ?? ''),
  }))
  return {
    normalize: modules.some(module => module.kind === 'Normalize'),
    poolingPath: modules.find(module => module.kind === 'Pooling')?.path,
    extra: modules.map(module => module.kind).filter(kind => !KNOWN_MODULES.includes(kind)),
  }
}

/** Modes in sentence-transformers' files: older ones have one flag per mode, newer ones `pooling_mode`. */
const MODES: readonly (readonly [flag: string, word: string, mode: PoolingMode])[] = [
  ['pooling_mode_cls_token', 'cls', 'cls'],
  ['pooling_mode_max_tokens', 'max', 'max'],
  ['pooling_mode_mean_tokens', 'mean', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens', 'mean_sqrt_len'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean', 'weighted_mean'],
  ['pooling_mode_lasttoken', 'lasttoken', 'last_token'],
]

function poolingOf(config: Json, folder: string): PoolingMode[] | undefined {
  if (config.include_prompt === false)
    throw invalid(folder, 'the pooling configuration', 'pooling without the prompt is not supported')
  const words = [config.pooling_mode ?? []].flat()
  const named = words.map(word => {
    const mode = MODES.find(([, name]) => name === String(word).toLowerCase())?.[2]
    if (!mode) throw invalid(folder, 'the pooling configuration', `pooling mode "${word}" is not known`)
    return mode
  })
  if (named.length > 0) return named
  const flagged = MODES.filter(([flag]) => config[flag] === true).map(([, , mode]) => mode)
  return flagged.length > 0 ? flagged : undefined
}

function promptsOf(st: Json): Partial<Record<Role, string>> {
  const prompts = (st.prompts ?? {}) as Json
  const first = (...names: unknown[]): string | undefined =>
    names.map(name => (typeof name === 'string' ? prompts[name] : undefined)).find(text => typeof text === 'string') as
      | string
      | undefined
  const fallback = st.default_prompt_name
  return { query: first('query', fallback), document: first('document', 'passage', 'corpus', fallback) }
}

/**
 * Tokens of a text if the model's files state no limit: BERT's default `max_position_embeddings`, and the length at which
 * model2vec cuts.
 * @see https://huggingface.co/docs/transformers/model_doc/bert#transformers.BertConfig
 */
const UNSTATED_MAX_TOKENS = 512
/** Models whose position ids start after the padding id, so that many positions cannot be used. */
const OFFSET_POSITIONS = /^(xlm-)?roberta|^camembert|^mpnet/

function maxTokensOf(config: Json, tokenizer: Json, sbert: Json, preset = Infinity): number {
  const positions = positiveOf(config.max_position_embeddings)
  const offset = OFFSET_POSITIONS.test(String(config.model_type)) ? (positiveOf(config.pad_token_id) ?? 1) + 1 : 0
  // Tokenizers without a limit have a huge number (1e30, 1000000).
  const tokenizerMax = positiveOf(tokenizer.model_max_length) ?? Infinity
  const stated = Math.min(
    positions === undefined ? Infinity : positions - offset,
    tokenizerMax >= 1_000_000 ? Infinity : tokenizerMax,
    positiveOf(sbert.max_seq_length) ?? preset,
  )
  return Number.isFinite(stated) ? stated : UNSTATED_MAX_TOKENS
}

const positiveOf = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined)

async function readJson<T = Json>(folder: string, name: string): Promise<T | undefined> {
  const text = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw invalid(folder, name, messageOf(error), error)
  })
  if (text === undefined) return undefined
  try {
    const value: unknown = parseJsonText(text)
    if (typeof value !== 'object' || value === null) throw new Error('expected an object')
    return value as T
  } catch (error) {
    throw invalid(folder, name, messageOf(error), error)
  }
}

function invalid(folder: string, name: string, problem: string, cause?: unknown): AdapterTrainError {
  return modelError(`${name} of the model in "${folder}": ${problem}`, { cause })
}

interface Preset {
  readonly pooling?: PoolingMode
  readonly normalize?: boolean
  readonly query?: string
  readonly document?: string
  /** Tokens at which the original model cuts a text, if its ONNX conversions lost that. */
  readonly maxTokens?: number
}

const PASSAGES = 'Represent this sentence for searching relevant passages: '
const PASSAGES_ZH = '为这个句子生成表示以用于检索相关文章：'
const INSTRUCT = 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: '

/**
 * Settings of families of models for what a model's own files leave out; the first match with the lower-case last part of a model's
 * name counts. ONNX conversions (Xenova, onnx-community) keep the names of the original models, whose pages at huggingface.co state them.
 */
const PRESETS: readonly (readonly [name: RegExp, page: string, preset?: Preset])[] = [
  [/^all-minilm-l6-v2/, 'sentence-transformers/all-MiniLM-L6-v2', { maxTokens: 256 }],
  [/^all-minilm-l12-v2/, 'sentence-transformers/all-MiniLM-L12-v2', { maxTokens: 128 }],
  [/^all-mpnet-base-v2/, 'sentence-transformers/all-mpnet-base-v2', { maxTokens: 384 }],
  [/^multi-qa-.+-dot-v1/, 'sentence-transformers/multi-qa-mpnet-base-dot-v1', { pooling: 'cls', normalize: false }],
  [/^multi-qa-.+-cos-v1/, 'sentence-transformers/multi-qa-MiniLM-L6-cos-v1'],
  [/^bge-m3/, 'BAAI/bge-m3', { pooling: 'cls' }],
  [/^bge-(small|base|large)-zh/, 'BAAI/bge-large-zh-v1.5', { pooling: 'cls', query: PASSAGES_ZH }],
  [/^bge-(small|base|large)-en/, 'BAAI/bge-small-en-v1.5', { pooling: 'cls', query: PASSAGES }],
  [/^multilingual-e5-.+-instruct/, 'intfloat/multilingual-e5-large-instruct', { query: INSTRUCT }],
  [/^(multilingual-)?e5-(small|base|large)/, 'intfloat/e5-base-v2', { query: 'query: ', document: 'passage: ' }],
  [/^gte-((base|large)-en-v1\.5|multilingual|modernbert)/, 'Alibaba-NLP/gte-base-en-v1.5', { pooling: 'cls' }],
  [/^gte-(tiny|small|base|large)/, 'thenlper/gte-base'],
  [/^nomic-embed-text/, 'nomic-ai/nomic-embed-text-v1.5', { query: 'search_query: ', document: 'search_document: ' }],
  [/^snowflake-arctic-embed-.+-v2/, 'Snowflake/snowflake-arctic-embed-m-v2.0', { pooling: 'cls', query: 'query: ' }],
  [/^snowflake-arctic-embed/, 'Snowflake/snowflake-arctic-embed-m', { pooling: 'cls', query: PASSAGES }],
  [/^mxbai-embed-(2d-)?large/, 'mixedbread-ai/mxbai-embed-large-v1', { pooling: 'cls', query: PASSAGES }],
]

function presetOf(name: string): Preset | undefined {
  const last = name.toLowerCase().split('/').at(-1) ?? ''
  return PRESETS.find(([match]) => match.test(last))?.[2]
}
