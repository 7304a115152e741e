import { hash } from 'node:crypto'
import { basename } from 'node:path'
import { throwIfAborted } from '../abort.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { firstNonFinite, normalizeInPlace } from '../math/matrix.js'
import { checkOptions } from './check.js'
import { type EmbeddingProvider, type ProviderFactory, type ProviderOptions, RECORDED_OPTIONS } from './provider.js'
import type { ModelFiles } from './sbert/files.js'
import { chooseModelFiles, hashFiles, isLocalModel, listModelFolder, localFolder, modelError } from './sbert/files.js'
import { fetchHubModel } from './sbert/hub.js'
import { pool } from './sbert/pooling.js'
import { batchesByLength, loadRuntime, type Runtime } from './sbert/runtime.js'
import { type ModelSettings, readModelSettings, withOptions } from './sbert/settings.js'

const DEFAULT_MODEL = 'Xenova/all-MiniLM-L6-v2'
const MAX_INPUTS = 256

/**
 * Sentence-transformers models in ONNX form, on this machine.
 *
 * `model` is a hub id or a local folder. Prompts, pooling, normalisation and length limit come from the user's options, else from
 * the model's own files, else from a preset by its name. A text longer than the limit is cut, as in sentence-transformers; one
 * without any token gives a zero vector under a model without special tokens.
 * @see https://huggingface.co/docs/transformers.js
 */
export const sbert: ProviderFactory = {
  name: 'sbert',
  description: 'Sentence-transformers and other ONNX models on this machine: a Hugging Face id or a local folder',
  defaultModel: DEFAULT_MODEL,
  keyVariables: [],
  create: createSbert,
}

async function createSbert(options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions('sbert', options)
  const model = options.model ?? DEFAULT_MODEL
  const isLocal = await isLocalModel(model)
  const folder = isLocal ? localFolder(model) : await fetchHubModel(model, options)
  const files = chooseModelFiles(`"${folder}"`, await listModelFolder(folder), options.dtype)
  const name = isLocal ? basename(folder) : model
  const defaults = await readModelSettings(folder, name)
  const settings = withOptions(defaults, options)
  const fileHash = await hashFiles(folder, files.all)

  let dimensions: number | undefined
  let runtime: Promise<Runtime> | undefined
  const load = (): Promise<Runtime> => {
    runtime ??= loadRuntime(folder, files, options.device)
      .then(loaded => checkModules(loaded, folder, settings))
      .catch(error => {
        runtime = undefined
        throw error
      })
    return runtime
  }
  // Another pooling than the model's own cannot act on vectors the model has pooled itself.
  const takesFinished = `${settings.pooling}` === `${defaults.pooling}`

  async function embedRows(loaded: Runtime, rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const { data, dims } = await loaded.run(rows, takesFinished)
    const H = dims[dims.length - 1]
    const lengths = rows.map(row => row.length)
    if (dims[0] !== rows.length || (dims.length !== 2 && dims.length !== 3)) {
      const expected = `an output of shape [texts, tokens, values] or [texts, values] for ${rows.length} texts`
      const problem = `the model in "${folder}": expected ${expected}, found [${dims}]`
      throw new AdapterTrainError('PROVIDER_RESPONSE', problem)
    }
    const vectors =
      dims.length === 3
        ? pool(data, dims[1], H, lengths, settings.pooling)
        : lengths.map((_, b) => data.slice(b * H, (b + 1) * H))
    return vectors.map(vector => finish(vector, folder, options.dimensions, settings.normalize))
  }

  return {
    id: options.baseId ?? idOf(name, files, defaults, settings, options),
    get dimensions() {
      return dimensions
    },
    limits: { maxInputs: Math.min(MAX_INPUTS, options.maxInputs ?? MAX_INPUTS), maxConcurrency: 1 },
    price: 0,
    isLocal: true,
    facts: {
      ...Object.fromEntries(RECORDED_OPTIONS.map(key => [key, options[key]])),
      name: 'sbert',
      model,
      dtype: files.dtype,
      fingerprint: isLocal ? fingerprintOf(fileHash, defaults) : undefined,
    },
    cacheKey: role =>
      JSON.stringify({
        model: `sbert/${name}`,
        files: fileHash,
        dtype: files.dtype,
        dimensions: options.dimensions,
        pooling: settings.pooling,
        normalize: settings.normalize,
        maxTokens: Number.isFinite(settings.maxTokens) ? settings.maxTokens : undefined,
        lowerCase: settings.lowerCase,
        prefix: settings.prefix[role],
      }),
    // For batching and progress only, because long texts are cut: a token seldom has less than three bytes of UTF-8.
    countTokens: text => Math.min(Math.ceil(Buffer.byteLength(text) / 3), settings.maxTokens),
    async embed(texts, role, { signal } = {}) {
      throwIfAborted(signal, 'embedding was stopped')
      const loaded = await load()
      const prepared = texts.map(text => {
        const whole = settings.prefix[role] + text
        return settings.lowerCase ? whole.toLowerCase() : whole
      })
      const rows = loaded.tokenize(prepared, settings.maxTokens)
      const vectors = new Array<Float32Array>(rows.length)
      for (const batch of batchesByLength(rows)) {
        throwIfAborted(signal, 'embedding was stopped')
        const some = batch.map(i => rows[i])
        const embedded = await embedRows(loaded, some)
        for (const [b, i] of batch.entries()) vectors[i] = embedded[b]
      }
      throwIfAborted(signal, 'embedding was stopped')
      dimensions ??= vectors[0]?.length
      return vectors
    },
    async close() {
      const closing = runtime
      runtime = undefined
      await (await closing?.catch(() => undefined))?.close()
    },
  }
}

/** Hashes a model's files and its own settings, which stand in further files or come from a preset. */
const fingerprintOf = (fileHash: string, settings: ModelSettings): string => hash('sha256', JSON.stringify([fileHash, settings]))

function finish(vector: Float32Array, folder: string, dimensions = vector.length, normalize: boolean): Float32Array {
  if (firstNonFinite(vector) >= 0) {
    const problem = `the model in "${folder}" returned a vector with a value that is not finite`
    throw new AdapterTrainError('PROVIDER_RESPONSE', `${problem}. Try "dtype" fp32 or "device" cpu`)
  }
  if (dimensions > vector.length) {
    const expected = `at most ${vector.length}, as the model in "${folder}" has`
    throw usageError(`dimensions: expected ${expected}, found ${dimensions}`)
  }
  const short = vector.slice(0, dimensions)
  return normalize ? normalizeInPlace(short) : short
}

/** Refuses a model with modules after pooling unless its export includes them. */
async function checkModules(runtime: Runtime, folder: string, settings: ModelSettings): Promise<Runtime> {
  if (settings.extraModules.length === 0 || runtime.outputNames.includes('sentence_embedding')) return runtime
  await runtime.close()
  throw modelError(
    `the model in "${folder}" has a ${settings.extraModules.join(' and a ')} module (modules.json) missing from its ONNX file, ` +
      'so its vectors would be wrong; expected an export with the output "sentence_embedding". ' +
      'Make one with "optimum-cli export onnx --library sentence_transformers"',
  )
}

function idOf(
  name: string,
  files: ModelFiles,
  defaults: ModelSettings,
  settings: ModelSettings,
  options: ProviderOptions,
): string {
  const changes = new URLSearchParams()
  if (options.revision !== undefined && options.revision !== 'main') changes.set('revision', options.revision)
  if (files.dtype !== 'fp32') changes.set('dtype', files.dtype)
  if (`${settings.pooling}` !== `${defaults.pooling}`) changes.set('pooling', settings.pooling.join('+'))
  if (settings.normalize !== defaults.normalize) changes.set('normalize', String(settings.normalize))
  if (settings.maxTokens !== defaults.maxTokens) changes.set('maxInputTokens', String(settings.maxTokens))
  for (const role of ['query', 'document'] as const) {
    if (settings.prefix[role] !== defaults.prefix[role]) changes.set(`${role}Prefix`, settings.prefix[role])
  }
  const size = options.dimensions === undefined ? '' : `@${options.dimensions}`
  return `sbert/${name}${size}${changes.size > 0 ? `?${changes}` : ''}`
}
