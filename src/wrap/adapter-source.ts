import { type Adapter, applyAdapter, outputDimensions, validateAdapter } from '../adapters/adapter.js'
import { loadAdapter } from '../adapters/file.js'
import { AdapterTrainError, type ErrorDetails, usageError } from '../errors.js'
import { normalizeInPlace } from '../math/matrix.js'
import { project } from '../math/projection.js'
import { composeProviders, isComposed } from '../providers/compose.js'
import type { EmbeddingProvider, ProviderFacts } from '../providers/provider.js'
import { optionWord } from '../words.js'
import { type AdapterReload, type AdapterWatcher, watchAdapter } from './watch-adapter.js'

/** Adapter, path of its file, or file watched by `watchAdapter`. */
export type AdapterInput = Adapter | string | Pick<AdapterWatcher, 'current'>

/** Options of putting an adapter in front of a model. */
export interface AdaptOptions {
  /** Wrap a model whose id or dimensions are not those of the adapter's base model. */
  readonly allowMismatch?: boolean
  /** Id of the model of the documents in your index: an adapter for another index is refused. Default: not checked. */
  readonly index?: string
  /** Scale adapted query vectors to unit length. Default false: the result is exactly f(q). */
  readonly normalize?: boolean
  /**
   * Reload the adapter's file when it changes, between two calls; a broken file, or one of another base model, is refused. The
   * watch does not keep the process alive; to end it, wrap with a `watchAdapter` of your own and close that.
   */
  readonly watch?: boolean
  /** Called after every change of a watched file, taken or refused. */
  readonly onReload?: (reload: AdapterReload) => void
}

export interface KnownModel {
  readonly id?: string
  readonly dimensions?: number
  readonly facts?: Pick<ProviderFacts, 'fingerprint'>
  /** Name at its service, such as `text-embedding-3-small`. */
  readonly name?: string
}

/** Adapter at one moment: every call takes one and uses it to its end. */
export interface Sides {
  readonly adapter: Adapter
  /** f(q), at unit length with `normalize`. */
  adaptQuery(q: ArrayLike<number>, text?: string): Float32Array
  /** Returns the same vector; if the adapter gives fewer dimensions, its start at unit length; if its base is reduced, the projection. */
  fitDocument<V extends number[] | Float32Array>(d: V): V
  /** True if `fitDocument` changes or refuses vectors. */
  readonly truncates: boolean
}

export interface AdapterSource {
  now(): Sides
  /** @throws ADAPTER_MISMATCH as `openAdapter`, for facts known only later */
  check(model: KnownModel): void
  close(): void
}

/** Opens an adapter and checks it against the known facts of the model. */
export function openAdapter(input: AdapterInput, options: AdaptOptions, model: KnownModel = {}): AdapterSource {
  const check = (adapter: Adapter, known = model): void => {
    checkBase(adapter, known, options.allowMismatch)
    const documents = adapter.index?.id ?? adapter.base.id
    if (options.index !== undefined && options.index !== documents) {
      throw mismatch(
        `the index: expected documents of "${documents}", for which the adapter was made, found "${options.index}". Use the adapter of this index`,
        { expected: documents, index: options.index },
      )
    }
    if (!options.allowMismatch) checkModelName(adapter, known.name)
  }
  const watcher = watcherOf(input, options, adapter => check(adapter))
  check(watcher.current())
  let sides = sidesOf(watcher.current(), options)
  return {
    now() {
      const adapter = watcher.current()
      if (adapter !== sides.adapter) sides = sidesOf(adapter, options)
      return sides
    },
    check: known => check(watcher.current(), known),
    close: () => watcher.close(),
  }
}

function watcherOf(input: AdapterInput, { watch, onReload }: AdaptOptions, check: (adapter: Adapter) => void) {
  if (typeof input === 'string') {
    if (watch) return watchAdapter(input, { check, onReload })
  } else if (watch) {
    throw usageError('watch: true needs the path of an adapter file, not an adapter')
  } else if (typeof (input as Partial<AdapterWatcher> | null | undefined)?.current === 'function') {
    const { current } = input as AdapterWatcher
    // Its maker closes it.
    return { current, close: () => {} }
  }
  const adapter = typeof input === 'string' ? loadAdapter(input) : checkAdapter(input as Adapter)
  return { current: () => adapter, close: () => {} }
}

function checkAdapter(adapter: Adapter): Adapter {
  const given = adapter as Partial<Adapter> | null | undefined
  if (typeof given?.kind !== 'string' || !given.base || !given.params)
    throw usageError('expected an adapter, the path of an adapter file, or a watched one')
  validateAdapter(adapter)
  return adapter
}

const mismatch = (message: string, details: ErrorDetails): AdapterTrainError =>
  new AdapterTrainError('ADAPTER_MISMATCH', message, { details })

/** Names that services give to their models; other names, such as a deployment's, may mean any model. */
const SERVICE_NAME = /^(text-embedding-|embed-)/

function checkModelName(adapter: Adapter, name: string | undefined): void {
  if (name === undefined || isModelName(adapter, name)) return
  throw mismatch(
    `the adapter was trained on "${adapter.base.id}", but the model is "${name}"; its output for another model would be noise. ` +
      "Use the adapter's base model, or { allowMismatch: true } if both give the same vectors",
    { expected: adapter.base, name },
  )
}

/** `openai/text-embedding-3-small@512` -> `text-embedding-3-small` */
export const modelNameOf = (id: string): string => id.replace(/^[^/]*\//, '').replace(/@\d+$/, '')

/** Returns false if `name` is known not to be the adapter's base model. */
export function isModelName({ base }: Adapter, name: string): boolean {
  const expected = modelNameOf(base.id)
  return !SERVICE_NAME.test(expected) || !SERVICE_NAME.test(name) || name === expected
}

function sidesOf(adapter: Adapter, { normalize }: AdaptOptions): Sides {
  const { dimensions } = adapter.base
  const outputs = outputDimensions(adapter)
  const bridges = isBridge(adapter)
  const pca = adapter.base.provider?.pca
  const truncates = bridges || outputs < dimensions || pca !== undefined
  const fitDocument: Sides['fitDocument'] = d => {
    if (bridges) refuseBridge(adapter)
    // Services that shorten vectors themselves have done this already.
    if (!truncates || d.length === outputs) return d
    const whole = pca ? pca.shape[1] : dimensions
    if (d.length !== whole) {
      throw new AdapterTrainError(
        'VECTOR_INVALID',
        `a document has ${d.length} dimensions, but the adapter's base gives ${whole}, of which it keeps ${outputs}`,
      )
    }
    const start = normalizeInPlace(pca ? project(pca, d) : Float32Array.from(d.slice(0, outputs)))
    return (Array.isArray(d) ? Array.from(start) : start) as typeof d
  }
  return {
    adapter,
    adaptQuery(q, text) {
      const adapted = applyAdapter(adapter, q, text)
      return normalize ? normalizeInPlace(adapted) : adapted
    },
    fitDocument,
    truncates,
  }
}

/** Reduces a composed model as the adapter's base model is; any other model stays as it is. */
export function reducedAs(input: AdapterInput, provider: EmbeddingProvider): EmbeddingProvider {
  if (!isComposed(provider) || provider.pca) return provider
  const { pca } = watcherOf(input, {}, () => {}).current().base.provider ?? {}
  return pca ? composeProviders(provider.parts, { pca, facts: provider.facts }) : provider
}

/** True if an adapter maps queries into the space of another model. */
function isBridge({ base, index }: Pick<Adapter, 'base' | 'index'>): boolean {
  return index !== undefined && index.id !== base.id
}

/** Refuses an adapter whose documents are not of its base model, if they would be embedded with that. @throws ADAPTER_MISMATCH */
export function refuseBridge(adapter: Adapter): void {
  const { base, index } = adapter
  if (!isBridge(adapter)) return
  throw mismatch(
    `documents: expected vectors of "${index!.id}", into whose index the adapter maps queries, found those of "${base.id}". ` +
      'Embed documents for that index with its own model; rows that are embedded anew belong to the base model itself (docs/migrating.md)',
    { expected: index, found: base },
  )
}

/** Refuses an adapter for a model it was not trained on, as far as the model's facts are known. */
export function checkBase({ base: expected }: Adapter, { id, dimensions, facts }: KnownModel, allowMismatch = false) {
  if (allowMismatch) return
  const [trained, found] = [expected.provider?.fingerprint, facts?.fingerprint]
  const wrong =
    id !== undefined && id !== expected.id
      ? `the adapter was trained on "${expected.id}", but the provider is "${id}"`
      : dimensions !== undefined && dimensions !== expected.dimensions
        ? `the adapter was trained on ${expected.dimensions} dimensions, but the provider "${id ?? 'given'}" gives ${dimensions}`
        : trained !== undefined && found !== undefined && trained !== found
          ? `the adapter was trained on a model named "${expected.id}", but the files of this one differ from it`
          : undefined
  if (wrong === undefined) return
  throw mismatch(
    `${wrong}; its output for another model would be noise. Use the adapter's base model, or allow the mismatch ` +
      `(${optionWord('{ allowMismatch: true } in code, --allow-mismatch on the command line')}) if both give the same vectors`,
    { expected, id, dimensions },
  )
}
