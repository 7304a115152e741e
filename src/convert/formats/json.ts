import { decodeAdapter, encodeAdapter } from '../../adapters/file.js'
import { completeAdapter, factsOf } from '../facts.js'
import type { Format } from '../format.js'

/** The adapter file of this package. */
export const json: Format = {
  description: "this package's own file",
  types: ['F32', 'F16'],
  ending: '.json',
  encode: (adapter, type) => Buffer.from(encodeAdapter(adapter, type)),
  matches: ({ names, read }) => names === undefined && /^\s*\{/.test(Buffer.from(read().subarray(0, 64)).toString()),
  decode({ path, read }, given) {
    const adapter = decodeAdapter(Buffer.from(read()).toString('utf8'), path)
    return completeAdapter(adapter.params, factsOf(adapter), given, path)
  },
}

/** The same at half the size. */
export const f16Json: Format = {
  description: 'the same with weights in float16, half the size',
  types: ['F16'],
  encode: json.encode,
  // It is read as any adapter file.
  matches: () => false,
  decode: json.decode,
}
