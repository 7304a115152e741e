import { statSync } from 'node:fs'
import type { Logger } from 'pino'
import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { adapterHash, loadAdapter } from '../adapters/file.js'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { checkBase } from '../wrap/check-base.js'
import type { Metrics } from './metrics.js'

/** An adapter file under the name by which clients ask for it. */
export interface NamedAdapterFile {
  readonly name: string
  readonly path: string
}

/** One state of an adapter file. A request takes it once, so that no answer mixes two. */
export interface LoadedAdapter {
  readonly name: string
  readonly adapter: Adapter
  /** Start of the SHA-256 of the map, hex. */
  readonly version: string
}

/** The adapters that are served, the first by default. */
export interface AdapterSet {
  readonly names: readonly string[]
  /** The present state of an adapter; of the first where no name is given. */
  get(name?: string): LoadedAdapter | undefined
  /** Reads the files again, all or only those that changed; one that is broken or of another base keeps the state it had. */
  reload(which: 'all' | 'changed'): void
}

export interface AdapterSetOptions {
  readonly provider: EmbeddingProvider
  readonly allowMismatch?: boolean
  readonly metrics: Metrics
  readonly logger: Logger
}

/**
 * Loads adapter files.
 * @throws USAGE when there is none, or a name is not one or is there twice
 * @throws ADAPTER_MISMATCH when an adapter was not trained on the provider's model, and as `loadAdapter`
 */
export function createAdapterSet(files: readonly NamedAdapterFile[], options: AdapterSetOptions): AdapterSet {
  const { provider, allowMismatch, metrics, logger } = options
  checkNames(files)
  const load = ({ name, path }: NamedAdapterFile): LoadedAdapter => {
    const adapter = loadAdapter(path)
    checkBase(adapter, provider, allowMismatch)
    // Compiles the weights now rather than in the first request.
    applyAdapter(adapter, new Float32Array(adapter.base.dimensions))
    return { name, adapter, version: adapterHash(adapter).slice(0, 12) }
  }
  const slots = new Map(files.map(file => [file.name, { file, mark: markOf(file.path), loaded: load(file) }]))
  for (const { loaded } of slots.values()) metrics.adapterInfo.set({ adapter: loaded.name, version: loaded.version }, 1)

  const reload = (slot: { file: NamedAdapterFile; loaded: LoadedAdapter }): void => {
    const { name } = slot.file
    const { version } = slot.loaded
    try {
      slot.loaded = load(slot.file)
    } catch (error) {
      metrics.reloads.inc({ adapter: name, result: 'failed' })
      const problem = isAdapterTrainError(error) ? { code: error.code, problem: error.message } : { code: 'INTERNAL' }
      logger.error({ adapter: name, version, ...problem }, 'adapter file not taken, the old adapter stays')
      return
    }
    metrics.reloads.inc({ adapter: name, result: 'taken' })
    metrics.adapterInfo.remove({ adapter: name, version })
    metrics.adapterInfo.set({ adapter: name, version: slot.loaded.version }, 1)
    logger.info({ adapter: name, version: slot.loaded.version, before: version }, 'adapter file taken')
  }

  return {
    names: [...slots.keys()],
    get: (name = files[0].name) => slots.get(name)?.loaded,
    reload(which) {
      for (const slot of slots.values()) {
        // Before the file is read: a change in between is then seen the next time.
        const mark = markOf(slot.file.path)
        if (which === 'changed' && mark === slot.mark) continue
        slot.mark = mark
        reload(slot)
      }
    },
  }
}

/** Changes whenever the file does, also where another one is moved in its place. */
function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'missing'
}

function checkNames(files: readonly NamedAdapterFile[]): void {
  const usage = (message: string): AdapterTrainError => new AdapterTrainError('USAGE', message)
  if (files.length === 0) throw usage('the server needs an adapter: name its file')
  for (const [i, { name }] of files.entries()) {
    if (!/^[\w.-]+$/.test(name) || name === 'query' || name === 'document') {
      throw usage(
        `"${name}" cannot be the name of an adapter: expected letters, digits, "_", "." and "-", and not "query" or "document"`,
      )
    }
    if (files.findIndex(file => file.name === name) !== i) {
      throw usage(`there are two adapters of the name "${name}"; give each a name of its own`)
    }
  }
}
