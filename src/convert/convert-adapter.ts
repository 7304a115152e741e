import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Adapter, applyAdapter, validateAdapter } from '../adapters/adapter.js'
import { adapterHash, decodeAdapter, encodeAdapter, termsFacts } from '../adapters/file.js'
import type { TensorType } from '../adapters/stored-adapter.js'
import type { TermsFacts } from '../adapters/terms.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { fileIdentity, writeFileAtomic } from '../files.js'
import { matrix, norm } from '../math/matrix.js'
import { createRandom } from '../math/random.js'
import { foldProjection } from './dense.js'
import { completeAdapter, readFacts } from './facts.js'
import type { GivenFacts } from './format.js'
import { FORMAT_NAMES, type FormatName, findFormat, loadFormat } from './formats/index.js'
import { openInput } from './input.js'

/** Formats that keep the facts of the base model where this package reads them, with its projection. */
const KNOWS_PROJECTIONS: readonly FormatName[] = ['json', 'f16-json', 'safetensors', 'card']

/** Settings of a conversion, with facts missing in its input. */
export interface ConvertOptions extends GivenFacts {
  /** Output format; by default by the ending of the output's name. */
  readonly format?: FormatName
  /** Number type of the weights, if the format has a choice; float32 by default. */
  readonly dtype?: TensorType
}

/** Result of a conversion. */
export interface Conversion {
  readonly from: FormatName
  readonly to: FormatName
  readonly adapter: Adapter
  /** SHA-256 of the adapter as it was read, hex. */
  readonly sha256: string
  /** Text terms of the input, which no other file can hold: what was written is the linear part alone. */
  readonly leftOut?: TermsFacts
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
  /** If the weights were rounded: the largest 1 - cosine between the exact and the rounded result on 256 random queries. */
  readonly worstCosineError?: number
}

/**
 * Reads an adapter from a file or folder of any format, recognised by its content, and writes it in another.
 * @param output a file, or a folder for formats of several files
 * @throws USAGE if no format is named or known by the output's name, a fact is missing (see {@link GivenFacts}), or the output would
 *   replace the input
 * @throws CONVERT_UNSUPPORTED if the format cannot express the adapter
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT, FILE_NOT_FOUND, FILE_READ, FILE_WRITE
 */
export async function convertAdapter(input: string, output: string, options: ConvertOptions = {}): Promise<Conversion> {
  const to = options.format ?? (await formatByEnding(output))
  const format = await loadFormat(to)
  const type = options.dtype ?? format.types[0]
  if (!format.types.includes(type)) {
    const formats = await Promise.all(FORMAT_NAMES.map(loadFormat))
    const others = FORMAT_NAMES.filter((_, i) => formats[i].types.includes(type)).join(' or ')
    const problem = `${to} expected ${format.types.join(' or ')}, found ${type}`
    throw usageError(`--dtype: ${problem}. Leave it out, or use ${others}`)
  }
  const { from, adapter } = await readAnyAdapter(input, options)
  validateAdapter(adapter, input)
  const terms = from === 'json' ? termsFacts(input) : undefined
  // Programs that read these formats know no projection.
  const written = KNOWS_PROJECTIONS.includes(to) ? adapter : foldProjection(adapter, to)
  const content = format.encode(written, type, terms)
  const files: readonly (readonly [string, Uint8Array])[] =
    content instanceof Uint8Array ? [[output, content]] : [...content].map(([name, bytes]) => [join(output, name), bytes])
  const read = fileIdentity(input)
  // A card may be written again into the folder of an adapter.
  const isInput = (path: string) => path === read || (!format.describes && dirname(path) === read && existsSync(path))
  const same = files.find(([path]) => isInput(fileIdentity(path)))
  if (same) throw usageError(`${same[0]} would overwrite the input ${input}; name another file`)
  for (const [path, bytes] of files) writeFileAtomic(path, bytes)
  return {
    from,
    to,
    adapter,
    sha256: adapterHash(adapter),
    leftOut: format.describes ? undefined : terms,
    files: files.map(([path, bytes]) => ({ path, bytes: bytes.length })),
    worstCosineError: type === 'F16' ? worstCosineError(adapter, decodeAdapter(encodeAdapter(adapter, 'F16'))) : undefined,
  }
}

/**
 * Reads an adapter from a file or folder of any format.
 * @throws as {@link convertAdapter}
 */
export async function readAnyAdapter(
  path: string,
  given: GivenFacts = {},
): Promise<{ readonly from: FormatName; readonly adapter: Adapter }> {
  const input = openInput(path)
  const from = await findFormat(format => format.matches?.(input) ?? false)
  if (from === undefined) {
    const { names } = input
    const found = names ? `a folder with ${names.slice(0, 5).join(', ') || 'nothing in it'}` : 'another file'
    const expected = `expected one of ${FORMAT_NAMES.join(', ')}, found ${found}`
    throw new AdapterTrainError('ADAPTER_FORMAT', `${path} is not an adapter in a supported format; ${expected}`)
  }
  const { params, facts = readFacts(input) } = await (await loadFormat(from)).decode!(input)
  return { from, adapter: completeAdapter(params, facts, given, path) }
}

async function formatByEnding(output: string): Promise<FormatName> {
  const found = await findFormat(({ ending }) => ending !== undefined && output.endsWith(ending))
  if (found) return found
  throw usageError(`${output}: unknown format of this name. Add --format, one of ${FORMAT_NAMES.join(', ')}`)
}

const QUERIES = 256

/** Measures the effect of rounding: the largest 1 - cosine between both results on random queries, the same every time. */
export function worstCosineError(exact: Adapter, rounded: Adapter): number {
  const random = createRandom(1)
  const d = exact.base.dimensions
  const queries = matrix(QUERIES, d)
  for (let i = 0; i < queries.data.length; i++) queries.data[i] = random.normal() / Math.sqrt(d)
  const [a, b] = [applyAdapter(exact, queries), applyAdapter(rounded, queries)]
  let worst = 0
  for (let i = 0; i < QUERIES; i++) {
    const [u, v] = [a, b].map(m => m.data.subarray(i * m.cols, (i + 1) * m.cols))
    const [uNorm, vNorm] = [norm(u), norm(v)]
    // Half the squared distance of the unit vectors: a difference of cosines would drown in its own rounding.
    let squared = 0
    for (let j = 0; j < u.length; j++) squared += (u[j] / uNorm - v[j] / vNorm) ** 2
    worst = Math.max(worst, squared / 2)
  }
  return worst
}
