import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WebGpuAdapter } from '../../engines/webgpu/device.js'

/** Facts of this machine. If something does not work, `problem` says why, in one line. */
export interface Diagnosis {
  readonly version: string
  readonly node: { readonly version: string; readonly required: string; readonly ok: boolean }
  readonly machine: {
    readonly os: string
    readonly arch: string
    readonly release: string
    /** Threads that run at once. */
    readonly cores: number
    readonly memoryBytes: number
    readonly availableBytes: number
  }
  readonly engines: readonly EngineFacts[]
  /** Engine of `--engine auto`, and why. */
  readonly auto: {
    readonly engine?: string
    readonly reason?: string
    readonly warning?: string
    readonly problem?: string
  }
  readonly gpus: { readonly adapters: readonly WebGpuAdapter[]; readonly problem?: string }
  readonly packages: readonly PackageFacts[]
  readonly providers: readonly ProviderFacts[]
  /** Absent if no cache is used. */
  readonly cache?: CacheFacts
}

export interface EngineFacts {
  readonly name: string
  readonly usable: boolean
  readonly description?: string
  readonly problem?: string
}

export interface PackageFacts {
  readonly name: string
  readonly usedBy: string
  /** `null` if it is not installed. */
  readonly version: string | null
  readonly problem?: string
}

export interface ProviderFacts {
  readonly name: string
  readonly defaultModel?: string
  /** Environment variables that may hold the key; empty for a local provider. */
  readonly keyVariables?: readonly string[]
  /** The one that does; `null` for none. */
  readonly keyFrom?: string | null
  readonly problem?: string
}

export interface CacheFacts {
  readonly file: string
  readonly exists: boolean
  readonly bytes?: number
  readonly vectors?: number
  readonly spaces?: readonly { readonly key: string; readonly dimensions: number; readonly vectors: number }[]
  readonly problem?: string
}

/** Packages that may be missing or broken, and their users. */
export const PACKAGES = {
  'better-sqlite3': 'the embedding cache',
  'onnxruntime-node': 'the cpu engine at full speed',
  webgpu: 'the webgpu engine',
  '@tensorflow/tfjs-node-gpu': 'the tfjs engine on a GPU',
  '@tensorflow/tfjs-node': 'the tfjs engine',
  '@huggingface/transformers': 'the sbert provider',
} as const

/** Reads the version of a package as an import from here finds it; `null` if it is not installed. */
export function installedVersion(name: string): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version ?? 'unknown'
    } catch (error) {
      if (error instanceof SyntaxError) return 'unknown'
      if (folder === dirname(folder)) return null
    }
  }
}
