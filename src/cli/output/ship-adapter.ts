import { existsSync } from 'node:fs'
import type { Adapter } from '../../adapters/adapter.js'
import { loadAdapter, saveAdapter } from '../../adapters/file.js'
import { messageOf } from '../../errors.js'
import { rejectedPath, replaceAdapter } from '../../history/versions.js'
import type { ReplaceRule } from '../../pipeline/defaults.js'
import type { EmbeddedTrainingReport, Trained } from '../../pipeline/training.js'
import type { Console } from './console.js'

export interface Shipped {
  /** The adapter file in use: the new one, or the one that was there; absent if there is none. */
  readonly adapter?: string
  /** File of the adapter that was not put in use. */
  readonly rejected?: string
  /** True if the file in use only reduces the vectors of a composed model. */
  readonly isProjection?: boolean
}

/** Reads the adapter in use, which a new one has to stand up to; a file that is no adapter is replaced without a comparison. */
export function adapterInUse(path: string, out: Console): Adapter | undefined {
  if (!existsSync(path)) return undefined
  try {
    return loadAdapter(path)
  } catch (error) {
    out.warn(`not compared with ${path}: ${messageOf(error)}`)
    return undefined
  }
}

type Verdicts = Pick<EmbeddedTrainingReport, 'gate' | 'duel' | 'interrupted'>

/** Puts a trained adapter in use, or writes it beside the file as rejected and leaves what is in use as it is. */
export function shipAdapter(
  path: string,
  { adapter, rejected, report }: Pick<Trained, 'adapter' | 'rejected'> & { readonly report: Verdicts },
  { replace, keep }: { readonly replace: ReplaceRule; readonly keep: number },
): Shipped {
  const inUse = existsSync(path)
  // Nothing is known of an interrupted run.
  const refused = rejected ?? (report.interrupted && inUse && replace !== 'always' ? adapter : undefined)
  if (refused) {
    const file = rejectedPath(path)
    saveAdapter(refused, file)
    // Without its projection nobody can make the index.
    if (!inUse && rejected && adapter !== rejected && adapter.base.provider?.pca) {
      saveAdapter(adapter, path)
      return { adapter: path, rejected: file, isProjection: true }
    }
    return { ...(inUse && { adapter: path }), rejected: file }
  }
  const reason = report.duel?.reason ?? report.gate?.reason ?? 'trained without a gate'
  replaceAdapter(path, adapter, { keep, reason })
  return { adapter: path }
}

/** The same for `--json`. */
export function shippedFacts({ adapter = null, rejected }: { readonly adapter?: string | null; readonly rejected?: string }) {
  return { adapter, ...(rejected && { rejected }) }
}

/** Says where the adapter is, and what stays in use if it was rejected. */
export function shippedText({ adapter, rejected, isProjection }: Shipped, path: string): string {
  if (rejected === undefined) return `adapter    ${adapter}`
  if (isProjection) return `rejected   ${rejected}; ${adapter} has the projection alone`
  return `rejected   ${rejected}; ${adapter ? `${adapter} stays in use, unchanged` : `nothing was written to ${path}`}`
}
