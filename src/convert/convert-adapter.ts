import { join } from 'node:path'
import { type Adapter, validateAdapter } from '../adapters/adapter.js'
import { adapterHash, decodeAdapter, encodeAdapter } from '../adapters/file.js'
import type { TensorType } from '../adapters/stored-adapter.js'
import { AdapterTrainError } from '../errors.js'
import { writeFileAtomic } from '../write-file-atomic.js'
import type { Format, GivenFacts } from './format.js'
import { FORMAT_NAMES, FORMATS, type FormatName } from './formats/index.js'
import { openInput } from './input.js'
import { worstCosineError } from './worst-cosine-error.js'

/** How an adapter is written, and what its input does not say of itself. */
export interface ConvertOptions extends GivenFacts {
  /** What to write; by default the ending of the output's name decides. */
  readonly format?: FormatName
  /** Number type of the weights, where the format has a choice; float32 by default. */
  readonly dtype?: TensorType
}

/** What was read and written. */
export interface Conversion {
  readonly from: FormatName
  readonly to: FormatName
  readonly adapter: Adapter
  /** See `adapterHash`: of the adapter as it was read. */
  readonly sha256: string
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
  /** Where the weights were rounded, see {@link worstCosineError}. */
  readonly worstCosineError?: number
}

/**
 * Reads an adapter from a file or folder of any format, recognised by its content, and writes it in another.
 *
 * @throws USAGE when no format is named and the output's name does not tell, or a fact is missing (see {@link GivenFacts})
 * @throws CONVERT_UNSUPPORTED when the format cannot express the adapter
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT, FILE_NOT_FOUND, FILE_READ, FILE_WRITE
 */
export async function convertAdapter(input: string, output: string, options: ConvertOptions = {}): Promise<Conversion> {
  const to = options.format ?? formatByEnding(output)
  const format: Format = FORMATS[to]
  const type = options.dtype ?? format.types[0]
  if (!format.types.includes(type)) {
    const remedy = `leave out --dtype, or use ${typedFormats(type).join(' or ')}`
    throw new AdapterTrainError('USAGE', `${to} is written in ${format.types.join(' or ')} only; ${remedy}`)
  }
  const { from, adapter } = await readAnyAdapter(input, options)
  validateAdapter(adapter, input)
  const content = format.encode(adapter, type)
  const files: readonly (readonly [string, Uint8Array])[] =
    content instanceof Uint8Array
      ? [[output, content]]
      : [...content].map(([name, bytes]) => [join(output, name), bytes])
  for (const [path, bytes] of files) writeFileAtomic(path, bytes)
  return {
    from,
    to,
    adapter,
    sha256: adapterHash(adapter),
    files: files.map(([path, bytes]) => ({ path, bytes: bytes.length })),
    worstCosineError:
      type === 'F16' ? worstCosineError(adapter, decodeAdapter(encodeAdapter(adapter, 'F16'))) : undefined,
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
  const from = FORMAT_NAMES.find(name => FORMATS[name].matches(input))
  if (from === undefined) {
    const found = input.names
      ? `a folder with ${input.names.slice(0, 5).join(', ') || 'nothing in it'}`
      : 'another file'
    throw new AdapterTrainError(
      'ADAPTER_FORMAT',
      `${path} is no adapter in a format that is known (${FORMAT_NAMES.join(', ')}); found ${found}`,
    )
  }
  return { from, adapter: await FORMATS[from].decode(input, given) }
}

function formatByEnding(output: string): FormatName {
  const found = FORMAT_NAMES.find(name => {
    const { ending }: Format = FORMATS[name]
    return ending !== undefined && output.endsWith(ending)
  })
  if (found) return found
  throw new AdapterTrainError(
    'USAGE',
    `${output} does not tell its format; add --format, one of ${FORMAT_NAMES.join(', ')}`,
  )
}

const typedFormats = (type: TensorType): FormatName[] =>
  FORMAT_NAMES.filter(name => (FORMATS[name] as Format).types.includes(type))
