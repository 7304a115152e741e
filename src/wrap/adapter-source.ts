import { type Adapter, applyAdapter, outputDimensions, validateAdapter } from '../adapters/adapter.js'
import { loadAdapter } from '../adapters/file.js'
import { AdapterTrainError } from '../errors.js'
import { normalizeInPlace } from '../math/matrix.js'
import { checkBase } from './check-base.js'
import { type AdapterReload, type AdapterWatcher, watchAdapter } from './watch-adapter.js'

/** An adapter, the path of its file, or a file that is watched with `watchAdapter`. */
export type AdapterInput = Adapter | string | Pick<AdapterWatcher, 'current'>

/** Options of everything that puts an adapter in front of a model. */
export interface AdaptOptions {
  /** Wrap although the model's id or dimensions are not those of the adapter's base. */
  readonly allowMismatch?: boolean
  /** Scale adapted query vectors to length 1. Off by default: the result is exactly f(q). */
  readonly normalize?: boolean
  /**
   * Follow the adapter's file: a new version is taken between two calls, one that is broken or of another base is refused. The
   * watch does not keep the process alive; to end it, wrap with a `watchAdapter` of your own and close that.
   */
  readonly watch?: boolean
  /** Called after every change of a file that is watched, taken or refused. */
  readonly onReload?: (reload: AdapterReload) => void
}

/** What is known of the model that is wrapped. */
export interface KnownModel {
  readonly id?: string
  readonly dimensions?: number
  /** Name at its service, such as `text-embedding-3-small`. */
  readonly name?: string
}

/** An adapter at one moment: every call takes one and uses it to its end. */
export interface Sides {
  readonly adapter: Adapter
  /** f(q), of length 1 where that was asked for. */
  adaptQuery(q: ArrayLike<number>): Float32Array
  /** The same vector; for an adapter that gives fewer dimensions than its base, its start scaled to length 1. */
  fitDocument(d: number[]): number[]
  fitDocument(d: Float32Array): Float32Array
  /** Whether {@link fitDocument} changes anything. */
  readonly truncates: boolean
}

export interface AdapterSource {
  now(): Sides
  /** @throws ADAPTER_MISMATCH as {@link openAdapter}, for what is known of the model only later */
  check(model: KnownModel): void
  close(): void
}

/**
 * Opens the adapter in whichever form it was given, checked against what is known of the model.
 *
 * @throws USAGE when it is no adapter, or `watch` is asked for without a path
 * @throws ADAPTER_MISMATCH when the model is known not to be the adapter's base
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT when the adapter is not valid, and as `loadAdapter` when it is a path
 */
export function openAdapter(input: AdapterInput, options: AdaptOptions, model: KnownModel = {}): AdapterSource {
  const check = (adapter: Adapter, known = model): void => {
    checkBase(adapter, known, options.allowMismatch)
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

function watcherOf(
  input: AdapterInput,
  { watch, onReload }: AdaptOptions,
  check: (adapter: Adapter) => void,
): Pick<AdapterWatcher, 'current' | 'close'> {
  if (typeof input === 'string') {
    if (watch) return watchAdapter(input, { check, onReload })
  } else if (watch) {
    throw new AdapterTrainError('USAGE', 'watch: true needs the path of an adapter file, not an adapter')
  } else if (typeof (input as Partial<AdapterWatcher> | null | undefined)?.current === 'function') {
    const { current } = input as AdapterWatcher
    // Whoever made it closes it.
    return { current, close: () => {} }
  }
  const adapter = typeof input === 'string' ? loadAdapter(input) : checkAdapter(input as Adapter)
  return { current: () => adapter, close: () => {} }
}

function checkAdapter(adapter: Adapter): Adapter {
  const given = adapter as Partial<Adapter> | null | undefined
  if (typeof given?.kind !== 'string' || !given.base || !given.params) {
    throw new AdapterTrainError('USAGE', 'expected an adapter, the path of an adapter file, or a watched one')
  }
  validateAdapter(adapter)
  return adapter
}

/** Names that services give to models of theirs; another program's name for one, such as a deployment's, says nothing. */
const SERVICE_NAME = /^(text-embedding-|embed-)/

function checkModelName(adapter: Adapter, name: string | undefined): void {
  if (name === undefined || isModelName(adapter, name)) return
  throw new AdapterTrainError(
    'ADAPTER_MISMATCH',
    `the adapter was trained on "${adapter.base.id}", but the model is "${name}"; it would turn the vectors of another model into ` +
      "noise. Use the adapter's base model, or { allowMismatch: true } if both give the same vectors",
    { details: { expected: adapter.base, name } },
  )
}

/** Whether `name` can be the adapter's base, as far as services' names tell. */
export function isModelName({ base }: Adapter, name: string): boolean {
  const expected = base.id.replace(/^[^/]*\//, '').replace(/@\d+$/, '')
  return !SERVICE_NAME.test(expected) || !SERVICE_NAME.test(name) || name === expected
}

function sidesOf(adapter: Adapter, { normalize }: AdaptOptions): Sides {
  const { dimensions } = adapter.base
  const outputs = outputDimensions(adapter)
  const truncates = outputs < dimensions
  function fitDocument(d: number[]): number[]
  function fitDocument(d: Float32Array): Float32Array
  function fitDocument(d: number[] | Float32Array): number[] | Float32Array {
    // Services that shorten vectors themselves have done this already.
    if (!truncates || d.length === outputs) return d
    if (d.length !== dimensions) {
      throw new AdapterTrainError(
        'VECTOR_INVALID',
        `a document has ${d.length} dimensions, but the adapter's base gives ${dimensions}, of which it keeps ${outputs}`,
      )
    }
    const start = normalizeInPlace(Float32Array.from(d.slice(0, outputs)))
    return Array.isArray(d) ? Array.from(start) : start
  }
  return {
    adapter,
    adaptQuery: q => {
      const adapted = applyAdapter(adapter, q)
      return normalize ? normalizeInPlace(adapted) : adapted
    },
    fitDocument,
    truncates,
  }
}
