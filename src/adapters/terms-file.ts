import type { Feedback } from '../terms/feedback.js'
import { rowBytes, type TermTable } from '../terms/table.js'
import type { Analysis } from '../terms/tokens.js'
import { decodeSafetensors, encodeSafetensors, looksLikeSafetensors, type Tensor } from './safetensors.js'
import { damaged, mapValues, parseJson, wrong } from './stored-adapter.js'
import { type AdapterTerms, createTerms, type TermsFacts, type TermsSource } from './terms.js'

/** Format of the file beside an adapter file that holds its text terms. */
const TERMS_FORMAT = 'adapter-train-terms/1'

/** Larger values are no weights: their sums would overflow. */
const LARGEST = 1e9

/** Encodes text terms as a safetensors file, the columns of 8 bytes first, so that each lies at a multiple of its size. */
export function encodeTerms({ from, analysis }: Pick<AdapterTerms, 'from' | 'analysis'>): Uint8Array {
  return encodeSafetensors({
    tensors: from.name === 'words' ? tableTensors(from.table) : feedbackTensors(from.feedback),
    metadata: { format: TERMS_FORMAT, source: from.name, analysis: JSON.stringify(analysis) },
  })
}

function tableTensors({ dimensions, keys, idf, scale, bits, values }: TermTable): Record<string, Tensor> {
  return {
    ...mapValues({ keys, idf, scale }, column),
    values: tensor(bits === 8 ? 'I8' : 'U8', values, [keys.length, rowBytes(dimensions, bits)]),
    dimensions: column(Uint32Array.of(dimensions)),
  }
}

function feedbackTensors({ postings, dimensions, vectors, scale, mean }: Feedback): Record<string, Tensor> {
  const { keys, starts, rows, counts, lengths } = postings
  return {
    ...mapValues({ keys, starts, rows, counts, lengths, scale, mean }, column),
    vectors: tensor('I8', vectors, [lengths.length, dimensions]),
  }
}

function column(data: Float64Array | Float32Array | Uint32Array): Tensor {
  const dtype = data instanceof Float64Array ? 'F64' : data instanceof Float32Array ? 'F32' : 'U32'
  return tensor(dtype, data, [data.length])
}

function tensor(dtype: string, data: ArrayBufferView, shape: readonly number[]): Tensor {
  return { dtype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** Decodes the file beside an adapter file; its columns are views of the bytes where these lie well. */
export function decodeTerms(bytes: Uint8Array, facts: TermsFacts, dimensions: number, where: string): AdapterTerms {
  if (!looksLikeSafetensors(bytes)) throw wrong(where, 'is no safetensors file')
  const { tensors, metadata } = decodeSafetensors(bytes, where)
  if (metadata.format !== TERMS_FORMAT || metadata.source !== facts.source) {
    throw wrong(where, `expected ${TERMS_FORMAT} with ${facts.source}, found ${metadata.format} with ${metadata.source}`)
  }
  const read = <T>(name: string, Type: new (buffer: ArrayBuffer, offset: number, length: number) => T): T => {
    const { bytes: data, shape } = tensors[name] ?? { bytes: new Uint8Array(), shape: [Number.NaN] }
    const size = (Type as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
    const length = shape.reduce((a, b) => a * b, 1)
    if (data.length !== length * size) throw damaged(where, `"${name}" has ${data.length} bytes, expected ${length * size}`)
    const whole = data.byteOffset % size === 0 ? data : new Uint8Array(data)
    return new Type(whole.buffer as ArrayBuffer, whole.byteOffset, length)
  }
  const [keys, scale] = [read('keys', Float64Array), read('scale', Float32Array)]
  const found = facts.source === 'words' ? read('dimensions', Uint32Array)[0] : tensors.mean?.shape[0]
  if (found !== dimensions) throw wrong(where, `expected ${dimensions} dimensions, found ${found}`)
  let from: TermsSource
  if (facts.source === 'words') {
    const [idf, values] = [read('idf', Float32Array), read('values', Uint8Array)]
    const bits = tensors.values.dtype === 'I8' ? 8 : 1
    from = { name: 'words', table: { dimensions, keys, scale, idf, bits, values } }
  } else {
    const [starts, rows, counts, lengths] = ['starts', 'rows', 'counts', 'lengths'].map(name => read(name, Uint32Array))
    const postings = { documents: tensors.lengths.shape[0], keys, starts, rows, counts, lengths }
    const [mean, vectors] = [read('mean', Float32Array), read('vectors', Int8Array)]
    from = { name: 'feedback', feedback: { dimensions, postings, scale, mean, vectors } }
  }
  const analysis = parseJson(metadata.analysis, where) as Analysis | null
  if (!fits(from) || !Array.isArray(analysis?.common)) throw damaged(where, 'its columns do not fit together')
  return createTerms(facts, analysis, from)
}

/** True for columns of the lengths, the order and the places that a search by words relies on. */
function fits(from: TermsSource): boolean {
  const rising = (column: Float64Array | Uint32Array, step: number): boolean =>
    column.every((value, i) => i === 0 || value >= column[i - 1] + step)
  const bounded = (column: Float32Array): boolean => column.every(value => Math.abs(value) < LARGEST)
  if (from.name === 'words') {
    const { dimensions, keys, idf, scale, bits, values } = from.table
    const n = keys.length
    const isWhole = idf.length === n && scale.length === n && values.length === n * rowBytes(dimensions, bits)
    return isWhole && bounded(idf) && bounded(scale) && rising(keys, 1)
  }
  const { dimensions: d, postings, scale, mean, vectors } = from.feedback
  const { documents: n, keys, starts, rows, counts } = postings
  const isWhole = scale.length === n && mean.length === d && vectors.length === n * d && counts.length === rows.length
  const isCut = starts.length === keys.length + 1 && starts[keys.length] === rows.length && rising(starts, 0)
  return isWhole && isCut && rows.every(row => row < n) && bounded(scale) && bounded(mean) && rising(keys, 1)
}
