import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Adapter, applyAdapter, outputDimensions } from '../adapters/adapter.js'
import { loadAdapter } from '../adapters/file.js'
import { AdapterTrainError } from '../errors.js'

/** Change of an adapter file. */
export interface AdapterReload {
  readonly path: string
  /** Adapter in use from now on: the file's, or the one before if there is an `error`. */
  readonly adapter: Adapter
  /** Reason why the file was refused. */
  readonly error?: unknown
}

/** Options of `watchAdapter`. */
export interface WatchAdapterOptions {
  /** Throws for an adapter to refuse, the first one included. */
  readonly check?: (adapter: Adapter) => void
  /** Called after every change of the file, taken or refused. */
  readonly onReload?: (reload: AdapterReload) => void
  /**
   * Milliseconds between two checks of the file, for changes the file system does not report: network and container mounts, links
   * into other folders, folders made again.
   * @default 5000
   */
  readonly intervalMs?: number
}

/** Watched adapter file. */
export interface AdapterWatcher {
  /** Returns the adapter of this moment; a call that needs it twice keeps it. */
  current(): Adapter
  /** Reads the file now, changed or not; a broken one, or one of another base model, is refused. */
  reload(): void
  /** Ends the watch; the adapter stays. */
  close(): void
}

const SETTLE_MS = 50
const INTERVAL_MS = 5000

/**
 * Loads an adapter file and reloads it as a whole when it changes; a version that cannot be read, or is of another base model or
 * other dimensions, is refused and reported. Does not keep the process alive.
 * @throws as `loadAdapter` and `check` for the first version
 */
export function watchAdapter(path: string, options: WatchAdapterOptions = {}): AdapterWatcher {
  const { check, onReload, intervalMs = INTERVAL_MS } = options
  const load = (): Adapter => {
    const adapter = loadAdapter(path)
    check?.(adapter)
    // Compiles the weights now instead of in the first query.
    applyAdapter(adapter, new Float32Array(adapter.base.dimensions))
    return adapter
  }
  // Before the file is read: a change in between is then seen the next time.
  let mark = markOf(path)
  let current = load()

  const reload = (): void => {
    mark = markOf(path)
    let error: unknown
    try {
      const next = load()
      checkSameSpace(next, current, path)
      current = next
    } catch (problem) {
      error = problem
    }
    onReload?.({ path, adapter: current, ...(error === undefined ? {} : { error }) })
  }

  let settling: NodeJS.Timeout | undefined
  const look = (): void => {
    settling = undefined
    if (markOf(path) !== mark) reload()
  }
  const watcher = watchFolder(dirname(resolve(path)), () => {
    settling ??= setTimeout(look, SETTLE_MS).unref()
  })
  const interval = setInterval(look, intervalMs).unref()

  return {
    current: () => current,
    reload,
    close() {
      watcher?.close()
      clearTimeout(settling)
      clearInterval(interval)
    },
  }
}

/** Watches the folder: a file that is moved into place is another file. */
function watchFolder(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onChange)
    return watcher.on('error', () => watcher.close())
  } catch {
    // No watches left, or none on this file system: the interval does it.
    return undefined
  }
}

/** Changes whenever the file does, even if another one is moved into its place. */
export function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? [stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(' ') : 'missing'
}

function checkSameSpace(next: Adapter, current: Adapter, path: string): void {
  const [found, expected] = [next, current].map(adapter => {
    const { id, dimensions } = adapter.base
    return { id, dimensions, outputs: outputDimensions(adapter) }
  })
  if (isDeepStrictEqual(found, expected)) return
  const text = ({ id, dimensions, outputs }: typeof found): string => `"${id}" (${dimensions} dimensions to ${outputs})`
  throw new AdapterTrainError(
    'ADAPTER_MISMATCH',
    `the new adapter in ${path} is for ${text(found)}, but the one in use is for ${text(expected)}; it is not taken. ` +
      'Restart with the base model and the index that belong to it',
    { details: { path, expected, found } },
  )
}
