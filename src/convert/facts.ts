import type { Adapter } from '../adapters/adapter.js'
import { adapterMap, FILE_KIND_NAMES } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'
import { ADAPTER_FORMAT, assembleAdapter, checkFacts, checkFormat, formatOf, wrong } from '../adapters/stored-adapter.js'
import { usageError } from '../errors.js'
import { VERSION } from '../version.js'
import type { GivenFacts } from './format.js'
import type { Input } from './input.js'

/** File of a folder with the facts its own format has no place for. Other programs ignore it. */
const FACTS_FILE = 'adapter-train.json'

/** Lists everything in an adapter file except the weights, as in its JSON form. */
export function factsOf({ kind, base, index, training }: Adapter): Readonly<Record<string, unknown>> {
  return { format: formatOf({ index }), kind, base, ...(index && { index }), training }
}

export function factsFile(adapter: Adapter): [name: string, content: Uint8Array] {
  return [FACTS_FILE, jsonBytes(factsOf(adapter))]
}

export const jsonBytes = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)

export function readFacts(input: Input): Readonly<Record<string, unknown>> | undefined {
  return input.names?.includes(FACTS_FILE) ? input.readJson(FACTS_FILE) : undefined
}

/** Makes an adapter of the weights in a file of another format. `facts`: those in the file, if it has any. */
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
  const { kind, base } = adapter
  if ((given.baseId ?? base.id) !== base.id)
    throw usageError(`--base-id: ${where} has the base model "${base.id}", found "${given.baseId}". Leave it out`)
  if ((given.kind ?? kind) !== kind)
    throw usageError(`--kind: ${where} holds a ${kind} adapter, found "${given.kind}". Leave it out`)
  return adapter
}

/** Puts the parameters in the order of their kind, so that a file does not depend on the order of a listing. */
function inOrder({ kind, base, params }: Adapter): Weights {
  const { params: specs, size, outputs } = adapterMap(kind)
  return Object.fromEntries(specs(base.dimensions, size?.of(params), outputs?.(params)).map(({ name }) => [name, params[name]]))
}

function inventFacts(params: Weights, { baseId, kind }: GivenFacts, where: string) {
  if (baseId === undefined) {
    const fix = 'Add --base-id, such as --base-id openai/text-embedding-3-small'
    throw usageError(`${where} does not name its base model. ${fix}`)
  }
  const found = kind ?? kindWith(params)
  const dimensions = found === undefined ? undefined : inputDimensions(found, params)
  if (dimensions === undefined) {
    const expected = `expected the parameters of ${kind ?? FILE_KIND_NAMES.join(', ')}`
    throw wrong(where, `unknown kind of adapter; ${expected}, found ${Object.keys(params).join(', ')}`)
  }
  return {
    format: ADAPTER_FORMAT,
    kind: found,
    // Most embedding models return vectors of unit length; nothing is computed from this.
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

/** A number of dimensions, and a size of a kind that cannot be mistaken for it. */
const [DIMENSIONS, SIZE] = [1009, 7]

const specsOf = (kind: string) => adapterMap(kind).params(DIMENSIONS, SIZE)

/** True if some kind has a parameter of this name. */
export function isParameter(name: string): boolean {
  return FILE_KIND_NAMES.some(kind => specsOf(kind).some(spec => spec.name === name))
}

/** Finds the kind with these parameters and no others. */
function kindWith(params: Weights): string | undefined {
  const names = Object.keys(params)
  return FILE_KIND_NAMES.find(kind => {
    const specs = specsOf(kind)
    return specs.length === names.length && specs.every(({ name }) => names.includes(name))
  })
}

/** Finds the dimensions of the base embeddings of an adapter of this kind, if its weights determine them. */
function inputDimensions(kind: string, params: Weights): number | undefined {
  const spec = FILE_KIND_NAMES.includes(kind) ? specsOf(kind).find(({ cols }) => cols === DIMENSIONS) : undefined
  return spec && params[spec.name]?.cols
}
