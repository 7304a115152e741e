import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdapterTrainError, messageOf } from '../../errors.js'
import type { ProviderOptions, Role } from '../provider.js'
import type { PoolingMode } from './pooling.js'
import { presetOf } from './presets.js'

/** How a model wants its texts and its token vectors treated. */
export interface ModelSettings {
  readonly pooling: readonly PoolingMode[]
  readonly normalize: boolean
  /** Longest text in tokens, special tokens included; `Infinity` where nothing limits it. */
  readonly maxTokens: number
  readonly lowerCase: boolean
  readonly prefix: Readonly<Record<Role, string>>
  /** Modules of the model that come after pooling and that only its own `sentence_embedding` output can hold. */
  readonly extraModules: readonly string[]
}

type Json = Record<string, unknown>

/**
 * What the model's own files say; where they are silent, the preset of its family; else mean pooling and length 1.
 *
 * Reads config.json, tokenizer_config.json and, where present, the files of sentence-transformers: modules.json,
 * 1_Pooling/config.json, config_sentence_transformers.json, sentence_bert_config.json.
 *
 * @param name hub id or folder name, for the preset
 * @throws PROVIDER_MODEL when a file is not the JSON it should be or asks for what is not supported
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
  return {
    pooling: (poolingConfig && poolingOf(poolingConfig, folder)) ?? [preset?.pooling ?? 'mean'],
    normalize: modules?.normalize ?? booleanOf(config.normalize) ?? preset?.normalize ?? true,
    maxTokens: maxTokensOf(config, tokenizer, sbert, preset?.maxTokens),
    lowerCase: sbert.do_lower_case === true,
    prefix: {
      query: prompts.query ?? preset?.queryPrefix ?? '',
      document: prompts.document ?? preset?.documentPrefix ?? '',
    },
    extraModules: modules?.extra ?? [],
  }
}

/** The settings with the user's options on top. `maxInputTokens` only ever lowers the model's own limit. */
export function withOptions(settings: ModelSettings, options: ProviderOptions): ModelSettings {
  return {
    ...settings,
    pooling: options.pooling === undefined ? settings.pooling : [options.pooling],
    normalize: options.normalize ?? settings.normalize,
    maxTokens: Math.min(settings.maxTokens, options.maxInputTokens ?? Infinity),
    prefix: {
      query: options.queryPrefix ?? settings.prefix.query,
      document: options.documentPrefix ?? settings.prefix.document,
    },
  }
}

/** Module kinds that this program carries out itself or that change nothing at inference. */
const KNOWN_MODULES = ['Transformer', 'StaticEmbedding', 'Pooling', 'Normalize', 'Dropout']

async function readModules(folder: string) {
  const list = await readJson<unknown>(folder, 'modules.json')
  if (list === undefined) return undefined
  if (!Array.isArray(list)) throw invalid(folder, 'modules.json', 'expected a list of modules')
  const modules = list.map((module: Json) => ({
    kind:
      String(module?.type ?? '')
        .split('.')
        .at(-1) ?? '',
    path: String(module?.path ?? ''),
  }))
  return {
    normalize: modules.some(module => module.kind === 'Normalize'),
    poolingPath: modules.find(module => module.kind === 'Pooling')?.path,
    extra: modules.map(module => module.kind).filter(kind => !KNOWN_MODULES.includes(kind)),
  }
}

/** How sentence-transformers writes the modes: older files have one flag a mode, newer ones `pooling_mode`. */
const MODES: readonly (readonly [flag: string, word: string, mode: PoolingMode])[] = [
  ['pooling_mode_cls_token', 'cls', 'cls'],
  ['pooling_mode_max_tokens', 'max', 'max'],
  ['pooling_mode_mean_tokens', 'mean', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens', 'mean_sqrt_len'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean', 'weighted_mean'],
  ['pooling_mode_lasttoken', 'lasttoken', 'last_token'],
]

function poolingOf(config: Json, folder: string): PoolingMode[] | undefined {
  if (config.include_prompt === false) {
    throw invalid(
      folder,
      'the pooling configuration',
      'it leaves the prompt out of the pooling, which is not supported',
    )
  }
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
 * Tokens of a text where the model's files state no limit: the `max_position_embeddings` that BERT's configuration has unless its
 * file says otherwise, and the length at which model2vec cuts.
 * @see https://huggingface.co/docs/transformers/model_doc/bert#transformers.BertConfig
 */
const UNSTATED_MAX_TOKENS = 512

/** Position ids of these start after the padding id, so that many positions cannot be used. */
const OFFSET_POSITIONS = /^(xlm-)?roberta|^camembert|^mpnet/

function maxTokensOf(config: Json, tokenizer: Json, sbert: Json, preset = Infinity): number {
  const positions = positiveOf(config.max_position_embeddings)
  const offset = OFFSET_POSITIONS.test(String(config.model_type)) ? (positiveOf(config.pad_token_id) ?? 1) + 1 : 0
  // Tokenizers without a limit say so with a huge number (1e30, 1000000).
  const tokenizerMax = positiveOf(tokenizer.model_max_length) ?? Infinity
  const stated = Math.min(
    positions === undefined ? Infinity : positions - offset,
    tokenizerMax >= 1_000_000 ? Infinity : tokenizerMax,
    positiveOf(sbert.max_seq_length) ?? preset,
  )
  return Number.isFinite(stated) ? stated : UNSTATED_MAX_TOKENS
}

const positiveOf = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined)
const booleanOf = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)

async function readJson<T = Json>(folder: string, name: string): Promise<T | undefined> {
  const text = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw invalid(folder, name, messageOf(error), error)
  })
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new Error('expected an object')
    return value as T
  } catch (error) {
    throw invalid(folder, name, messageOf(error), error)
  }
}

function invalid(folder: string, name: string, problem: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('PROVIDER_MODEL', `${name} of the model in "${folder}" cannot be used: ${problem}`, {
    cause,
  })
}
