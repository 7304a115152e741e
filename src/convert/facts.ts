import type { Adapter } from '../adapters/adapter.js'
import { adapterMap } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import { ADAPTER_FORMAT, assembleAdapter, checkFacts, checkFormat, wrong } from '../adapters/stored-adapter.js'
import { AdapterTrainError } from '../errors.js'
import { VERSION } from '../version.js'
import type { GivenFacts } from './format.js'
import type { Input } from './input.js'
import { inputDimensions, KIND_NAMES, kindWith } from './kinds.js'

/** Where a folder says what its own format has no place for. Other programs do not look at it. */
const FACTS_FILE = 'adapter-train.json'

/** Everything that an adapter file says but the weights, as in its JSON form. */
export function factsOf({ params: _, ...facts }: Adapter): Readonly<Record<string, unknown>> {
  return { format: ADAPTER_FORMAT, ...facts }
}

/** The facts as a file of a folder. */
export function factsFile(adapter: Adapter): [name: string, content: Uint8Array] {
  return [FACTS_FILE, jsonBytes(factsOf(adapter))]
}

/** JSON for people to read. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

/** The facts in a folder, where it has them. */
export function readFacts(input: Input): Readonly<Record<string, unknown>> | undefined {
  return input.names?.includes(FACTS_FILE) ? input.readJson(FACTS_FILE) : undefined
}

/**
 * Makes an adapter of weights that were found in a file of another format.
 *
 * @param facts what the file says beside them, where it does
 * @throws USAGE when the base model is not known, or another than the file says
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT when the weights make no adapter
 */
export function completeAdapter(
  params: Weights,
  facts: Readonly<Record<string, unknown>> | undefined,
  given: GivenFacts,
  where: string,
): Adapter {
  const known = facts ?? inventFacts(params, given, where)
  checkFormat(known, where)
  checkFacts(known, where)
  const assembled = assembleAdapter(known, params, where)
  const adapter = { ...assembled, params: inOrder(assembled) }
  if (given.baseId !== undefined && given.baseId !== adapter.base.id) {
    throw new AdapterTrainError('USAGE', `${where} says that its base is "${adapter.base.id}"; leave out --base-id`)
  }
  if (given.kind !== undefined && given.kind !== adapter.kind) {
    throw new AdapterTrainError('USAGE', `${where} holds a ${adapter.kind} adapter; leave out --kind`)
  }
  return adapter
}

/** The parameters in the order of their kind, so that a file does not depend on the order in which a folder is listed. */
function inOrder({ kind, base, params }: Adapter): Weights {
  const { params: specs, size } = adapterMap(kind)
  return Object.fromEntries(specs(base.dimensions, size?.of(params)).map(({ name }) => [name, params[name]]))
}

function inventFacts(params: Weights, { baseId, kind }: GivenFacts, where: string) {
  if (baseId === undefined) {
    throw new AdapterTrainError(
      'USAGE',
      `${where} does not say which model it belongs to; add --base-id, such as --base-id openai/text-embedding-3-small`,
    )
  }
  const found = kind ?? kindWith(params)
  const dimensions = found === undefined ? undefined : inputDimensions(found, params)
  if (dimensions === undefined) {
    const names = Object.keys(params).join(', ')
    throw wrong(
      where,
      `cannot tell the kind of an adapter with the parameters ${names}; expected those of ${kind ?? KIND_NAMES.join(', ')}`,
    )
  }
  return {
    format: ADAPTER_FORMAT,
    kind: found,
    // Most embedding models give vectors of length 1; nothing is computed from this.
    base: { id: baseId, dimensions, normalized: true },
    training: {
      tool: `converted by adapter-train ${VERSION}`,
      date: new Date().toISOString(),
      data: {},
      options: {},
      metrics: {},
    },
  }
}
