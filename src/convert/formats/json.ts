import { decodeAdapter, encodeAdapter } from '../../adapters/file.js'
import { looksLikeSafetensors } from '../../adapters/safetensors.js'
import { factsOf } from '../facts.js'
import type { Format } from '../format.js'

/** The adapter file of this package. */
export const json: Format = {
  types: ['F32', 'F16'],
  ending: '.json',
  encode: (adapter, type) => Buffer.from(encodeAdapter(adapter, type)),
  // The length of a safetensors header may begin with the byte of a brace.
  matches: ({ names, read }) =>
    names === undefined && /^\s*\{/.test(Buffer.from(read().subarray(0, 64)).toString()) && !looksLikeSafetensors(read()),
  decode({ path, read }) {
    const adapter = decodeAdapter(Buffer.from(read()).toString('utf8'), path, true)
    return { params: adapter.params, facts: factsOf(adapter) }
  },
}

/** The same at half the size. */
export const f16Json: Format = {
  types: ['F16'],
  // Read as any adapter file.
  encode: json.encode,
}
