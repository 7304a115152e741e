import type { WebGpuAdapter } from '../../engines/webgpu/adapters.js'

/** What is there on this machine. Wherever something does not work, `problem` says why, in one line. */
export interface Diagnosis {
  readonly version: string
  readonly node: { readonly version: string; readonly required: string; readonly ok: boolean }
  readonly machine: {
    readonly os: string
    readonly arch: string
    readonly release: string
    /** How many threads run at once. */
    readonly cores: number
    readonly memoryBytes: number
    readonly availableBytes: number
  }
  readonly engines: readonly EngineFacts[]
  /** What `--engine auto` takes, and why. */
  readonly auto: {
    readonly engine?: string
    readonly reason?: string
    readonly warning?: string
    readonly problem?: string
  }
  readonly gpus: { readonly adapters: readonly WebGpuAdapter[]; readonly problem?: string }
  readonly packages: readonly PackageFacts[]
  readonly providers: readonly ProviderFacts[]
  /** Absent where no cache is used. */
  readonly cache?: CacheFacts
}

export interface EngineFacts {
  readonly name: string
  readonly usable: boolean
  /** What it runs on. */
  readonly description?: string
  readonly problem?: string
}

export interface PackageFacts {
  readonly name: string
  readonly usedBy: string
  /** `null` where it is not installed. */
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
