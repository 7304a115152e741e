import type { Logger } from 'pino'
import { type Adapter, applyAdapter } from '../adapters/adapter.js'
import { adapterHash, loadAdapter } from '../adapters/file.js'
import { readFamiliarity } from '../drift/familiarity.js'
import { isAdapterTrainError, usageError } from '../errors.js'
import { checkBase } from '../wrap/adapter-source.js'
import { markOf } from '../wrap/watch-adapter.js'
import { codeOf } from './errors.js'
import type { Metrics } from './metrics.js'
import type { EmbeddingServerOptions, NamedAdapterFile } from './options.js'

/** One state of an adapter file. A request takes it once, so that no answer mixes two. */
export interface LoadedAdapter {
  readonly name: string
  readonly adapter: Adapter
  /** Start of the adapter's SHA-256, hex. */
  readonly version: string
}

/** The adapters served, the first by default. */
export type AdapterSet = ReturnType<typeof createAdapterSet>

interface AdapterSetOptions extends Pick<EmbeddingServerOptions, 'provider' | 'allowMismatch'> {
  readonly metrics: Metrics
  readonly logger: Logger
}

export function createAdapterSet(files: readonly NamedAdapterFile[], options: AdapterSetOptions) {
  const { provider, allowMismatch, metrics, logger } = options
  checkNames(files)
  const load = ({ name, path }: NamedAdapterFile): LoadedAdapter => {
    const adapter = loadAdapter(path)
    checkBase(adapter, provider, allowMismatch)
    readFamiliarity(adapter, path)
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
      const problem = isAdapterTrainError(error) ? error.message : undefined
      logger.error({ adapter: name, version, code: codeOf(error), problem }, 'adapter file not taken, the old adapter stays')
      return
    }
    metrics.reloads.inc({ adapter: name, result: 'taken' })
    metrics.adapterInfo.remove({ adapter: name, version })
    metrics.adapterInfo.set({ adapter: name, version: slot.loaded.version }, 1)
    logger.info({ adapter: name, version: slot.loaded.version, before: version }, 'adapter file taken')
  }

  return {
    names: [...slots.keys()],
    /** Present state of an adapter, by default of the first. */
    get: (name = files[0].name): LoadedAdapter | undefined => slots.get(name)?.loaded,
    /** Reads the files again, all or only those that changed; a broken one, or one of another base model, keeps its state. */
    reload(which: 'all' | 'changed'): void {
      for (const slot of slots.values()) {
        // Before the file is read: a change in between is then found the next time.
        const mark = markOf(slot.file.path)
        if (which === 'changed' && mark === slot.mark) continue
        slot.mark = mark
        reload(slot)
      }
    },
  }
}

function checkNames(files: readonly NamedAdapterFile[]): void {
  if (files.length === 0) throw usageError('adapters: none given; expected at least one. Name its file')
  for (const [i, { name }] of files.entries()) {
    if (!/^[\w.-]+$/.test(name) || name === 'query' || name === 'document') {
      throw usageError(`adapter name: expected letters, digits, "_", "." and "-", and not "query" or "document", found "${name}"`)
    }
    if (files.findIndex(file => file.name === name) !== i)
      throw usageError(`adapter name: "${name}" is used twice. Give each adapter a name of its own`)
  }
}
