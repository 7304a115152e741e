import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AdapterTrainError } from '../../errors.js'

/** End of the ONNX file's name for each precision, as transformers.js and optimum write it. */
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

export type Dtype = keyof typeof DTYPE_SUFFIXES

const REQUIRED = ['config.json', 'tokenizer.json', 'tokenizer_config.json']

/** The files of a model that are needed to embed, all relative to `folder` and with `/`. */
export interface ModelFiles {
  readonly dtype: Dtype
  /** Such as `onnx/model_quantized.onnx`. */
  readonly onnx: string
  /** Everything that decides a vector: configuration, tokenizer, ONNX file, its external data. */
  readonly all: readonly string[]
}

/** Whether a model name means a folder on this machine: it exists, or is written as a path. */
export async function isLocalModel(model: string): Promise<boolean> {
  if (/^(\.{1,2}|~)([/\\]|$)/.test(model) || isAbsolute(model)) return true
  return (await stat(model).catch(() => undefined)) !== undefined
}

/** Absolute path of a local model's folder; `~` is the home folder. */
export function localFolder(model: string): string {
  return resolve(/^~([/\\]|$)/.test(model) ? join(homedir(), model.slice(1)) : model)
}

/**
 * The names in a model's folder and its `onnx` folder.
 * @throws PROVIDER_MODEL when the folder does not exist or is no folder
 */
export async function listModelFolder(folder: string): Promise<string[]> {
  const found = await stat(folder).catch(() => undefined)
  if (!found) throw new AdapterTrainError('PROVIDER_MODEL', `there is no model folder "${folder}"`)
  if (!found.isDirectory()) {
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `the model "${folder}" is a file; expected the folder that holds config.json, tokenizer.json and onnx/model.onnx`,
    )
  }
  const inner = await readdir(join(folder, 'onnx')).catch(() => [])
  return [...(await readdir(folder)), ...inner.map(name => `onnx/${name}`)].sort()
}

/**
 * Picks the files to load: the ONNX file of the wanted precision, else `fp32`, else the only one there is.
 *
 * @param where what the names were read from, for messages
 * @param names file names relative to the model
 * @throws PROVIDER_MODEL when one is missing
 */
export function chooseModelFiles(where: string, names: readonly string[], dtype?: string): ModelFiles {
  if (dtype !== undefined && !Object.hasOwn(DTYPE_SUFFIXES, dtype)) {
    throw new AdapterTrainError(
      'USAGE',
      `expected "dtype" to be one of ${Object.keys(DTYPE_SUFFIXES).join(', ')}; got "${dtype}"`,
    )
  }
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
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `the model in ${where} has no ${chosen ?? 'fp32'} weights; give "dtype" as one of those it has: ${[...available.keys()].join(', ')}`,
    )
  }
  const external = names.filter(name => name.startsWith(`${onnx}_data`) || name === `${onnx}.data`)
  return { dtype: chosen, onnx, all: [...REQUIRED, onnx, ...external] }
}

function missingFiles(where: string, names: readonly string[], missing: string): AdapterTrainError {
  const found = names.filter(name => name !== 'onnx').slice(0, 20)
  return new AdapterTrainError(
    'PROVIDER_MODEL',
    `the model in ${where} cannot be used: looked for ${missing}; found ${found.join(', ') || 'no files'}. ` +
      'A model needs config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx: choose an ONNX export ' +
      '(on the Hub: Xenova/... or onnx-community/...) or make one with "optimum-cli export onnx"',
    { details: { found } },
  )
}

/** SHA-256 over names and contents of the given files, in hexadecimal, read as streams. */
export async function hashFiles(folder: string, names: readonly string[]): Promise<string> {
  const total = createHash('sha256')
  for (const name of names) {
    const one = createHash('sha256')
    await pipeline(createReadStream(join(folder, name)), one)
    // The file name without its folder: a model may keep model.onnx in onnx/ or beside config.json.
    total.update(`${basename(name)}\0${one.digest('hex')}\n`)
  }
  return total.digest('hex')
}
