import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AdapterTrainError, type ErrorDetails, usageError } from '../../errors.js'

/** End of the ONNX file's name per precision, as transformers.js and optimum write it. */
const DTYPE_SUFFIXES = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const

type Dtype = keyof typeof DTYPE_SUFFIXES

const REQUIRED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']

export function modelError(message: string, options?: { readonly cause?: unknown; readonly details?: ErrorDetails }) {
  return new AdapterTrainError('PROVIDER_MODEL', message, options)
}

/** Files of a model needed to embed, relative to its folder and with `/`. */
export interface ModelFiles {
  readonly dtype: Dtype
  /** Such as `onnx/model_quantized.onnx`. */
  readonly onnx: string
  /** All files that determine a vector: configuration, tokenizer, ONNX file, its external data. */
  readonly all: readonly string[]
}

/** True if a model name means a folder on this machine: it exists, or is written as a path. */
export async function isLocalModel(model: string): Promise<boolean> {
  if (/^(\.{1,2}|~)([/\\]|$)/.test(model) || isAbsolute(model)) return true
  return (await stat(model).catch(() => undefined)) !== undefined
}

/** Returns the absolute path of a local model's folder; `~` is the home folder. */
export function localFolder(model: string): string {
  return resolve(/^~([/\\]|$)/.test(model) ? join(homedir(), model.slice(1)) : model)
}

/** Lists the names in a model's folder and its `onnx` folder. */
export async function listModelFolder(folder: string): Promise<string[]> {
  const found = await stat(folder).catch(() => undefined)
  if (!found) throw modelError(`model folder "${folder}" does not exist`)
  if (!found.isDirectory()) {
    const expected = 'a folder with config.json, tokenizer.json and onnx/model.onnx'
    throw modelError(`model "${folder}": expected ${expected}, found a file`)
  }
  const inner = await readdir(join(folder, 'onnx')).catch(() => [])
  return [...(await readdir(folder)), ...inner.map(name => `onnx/${name}`)].sort()
}

/** Chooses the files to load: the ONNX file of the given precision, else `fp32`, else the only one. */
export function chooseModelFiles(where: string, names: readonly string[], dtype?: string): ModelFiles {
  if (dtype !== undefined && !Object.hasOwn(DTYPE_SUFFIXES, dtype))
    throw usageError(`sbert: expected "dtype" to be one of ${Object.keys(DTYPE_SUFFIXES).join(', ')}, found "${dtype}"`)
  const missing = REQUIRED.filter(name => !names.includes(name))
  if (missing.length > 0) throw missingFiles(where, names, missing.join(', '))
  const available = new Map<Dtype, string>()
  for (const [key, suffix] of Object.entries(DTYPE_SUFFIXES) as [Dtype, string][]) {
    const file = [`onnx/model${suffix}.onnx`, `model${suffix}.onnx`].find(name => names.includes(name))
    if (file !== undefined) available.set(key, file)
  }
  const only = available.size === 1 ? [...available.keys()][0] : undefined
  const chosen = (dtype as Dtype | undefined) ?? (available.has('fp32') ? 'fp32' : only)
  const onnx = chosen === undefined ? undefined : available.get(chosen)
  if (chosen === undefined || onnx === undefined) {
    if (available.size === 0) throw missingFiles(where, names, `onnx/model${DTYPE_SUFFIXES[chosen ?? 'fp32']}.onnx`)
    const fix = `Set "dtype" to one it has: ${[...available.keys()].join(', ')}`
    throw modelError(`the model in ${where} has no ${chosen ?? 'fp32'} weights. ${fix}`)
  }
  const external = names.filter(name => name.startsWith(`${onnx}_data`) || name === `${onnx}.data`)
  return { dtype: chosen, onnx, all: [...REQUIRED, onnx, ...external] }
}

function missingFiles(where: string, names: readonly string[], missing: string): AdapterTrainError {
  const found = names.filter(name => name !== 'onnx').slice(0, 20)
  return modelError(
    `the model in ${where}: expected ${missing}, found ${found.join(', ') || 'no files'}. ` +
      'A model needs config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx. Choose an ONNX export ' +
      '(on the Hub: Xenova/... or onnx-community/...) or make one with "optimum-cli export onnx"',
    { details: { found } },
  )
}

/** Computes the SHA-256 over names and contents of the given files, in hexadecimal. */
export async function hashFiles(folder: string, names: readonly string[]): Promise<string> {
  const total = createHash('sha256')
  for (const name of names) {
    const one = createHash('sha256')
    await pipeline(createReadStream(join(folder, name)), one)
    // The file name without its folder: a model may have model.onnx in onnx/ or beside config.json.
    total.update(`${basename(name)}\0${one.digest('hex')}\n`)
  }
  return total.digest('hex')
}
