import { readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import { ENGINE_NAMES } from '../../engines/index.js'
import { messageOf } from '../../errors.js'
import { loadProvider, providerNames } from '../../providers/index.js'
import { resolveApiKey } from '../../providers/service.js'
import { VERSION } from '../../version.js'
import { installedVersion, PACKAGES } from './diagnosis.js'
import { isolate } from './isolate.js'

/** Facts of this machine. If something does not work, `problem` says why, in one line. */
export type Diagnosis = Awaited<ReturnType<typeof diagnose>>

interface CacheFacts {
  readonly file: string
  readonly exists: boolean
  readonly bytes?: number
  readonly vectors?: number
  readonly spaces?: readonly { readonly key: string; readonly dimensions: number; readonly vectors: number }[]
  readonly problem?: string
}

/** Examines machine, engines, packages, providers and cache without changing any. Never throws. */
export async function diagnose(cacheFile: string | undefined) {
  const [auto, gpus, engines, packages, providers, cache] = await Promise.all([
    isolate('auto'),
    isolate('adapters'),
    Promise.all(ENGINE_NAMES.map(examineEngine)),
    Promise.all(Object.entries(PACKAGES).map(examinePackage)),
    Promise.all(providerNames.map(examineProvider)),
    cacheFile === undefined ? undefined : examineCache(cacheFile),
  ])
  return {
    version: VERSION,
    node: examineNode(),
    machine: {
      os: os.platform(),
      arch: os.arch(),
      release: os.release(),
      /** Threads that run at once. */
      cores: os.availableParallelism(),
      // Of the container, if it has a limit.
      memoryBytes: Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
      // Missing in a Node.js that is too old, which the diagnosis must report.
      availableBytes: process.availableMemory?.() ?? os.freemem(),
    },
    engines,
    /** Engine of `--engine auto`, and why. */
    auto: { ...auto.value, problem: auto.problem },
    gpus: { adapters: gpus.value ?? [], problem: gpus.problem },
    packages,
    providers,
    /** Absent if no cache is used. */
    cache,
  }
}

function examineNode() {
  const { engines } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  const [required, found] = [engines.node, process.versions.node].map(text => /\d+(\.\d+)*/.exec(text)![0].split('.'))
  const differs = required.findIndex((part, i) => part !== found[i])
  const ok = differs < 0 || Number(found[differs]) > Number(required[differs])
  return { version: process.versions.node, required: String(engines.node), ok }
}

async function examineEngine(name: string) {
  const { value, problem } = await isolate('engine', name)
  return { name, usable: value !== undefined, description: value, problem }
}

async function examinePackage([name, usedBy]: [string, string]) {
  const version = installedVersion(name)
  // Engines try the other packages, or these take long to load.
  const probe = ({ 'better-sqlite3': 'sqlite', 'onnxruntime-node': 'onnxruntime' } as const)[name]
  const { problem } = version !== null && probe ? await isolate(probe) : {}
  return { name, usedBy, version, problem }
}

async function examineProvider(name: string) {
  try {
    const { defaultModel, keyVariables } = await loadProvider(name)
    const keyFrom = keyVariables.find(variable => process.env[variable]?.trim()) ?? null
    return { name, defaultModel, keyVariables, keyFrom, problem: keyProblem(name, keyVariables) }
  } catch (error) {
    return { name, problem: messageOf(error) }
  }
}

function keyProblem(provider: string, variables: readonly string[]): string | undefined {
  try {
    resolveApiKey(provider, undefined, variables, false)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function examineCache(file: string): Promise<CacheFacts> {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    if (!found) return { file, exists: false }
    if (!found.isFile()) return { file, exists: true, problem: 'it is not a file' }
    const facts = { file, exists: true, bytes: found.size }
    // Opening an empty file would make it a cache.
    if (found.size === 0) return { ...facts, vectors: 0, spaces: [] }
    return { ...facts, ...(await isolate('cache', file).then(({ value, problem }) => value ?? { problem })) }
  } catch (error) {
    return { file, exists: false, problem: messageOf(error) }
  }
}
