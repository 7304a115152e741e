import type { Adapter } from '../adapters/adapter.js'
import type { Weights } from '../adapters/kind.js'
import type { TensorType } from '../adapters/stored-adapter.js'
import type { TermsFacts } from '../adapters/terms.js'
import type { Input } from './input.js'

/** What a file holds of an adapter: its weights, and everything else unless another program wrote it. */
export interface Decoded {
  readonly params: Weights
  readonly facts?: Readonly<Record<string, unknown>>
}

/** Facts on an adapter that its file does not hold. */
export interface GivenFacts {
  /** Id of the base model, such as `openai/text-embedding-3-small`. */
  readonly baseId?: string
  /** Kind of the adapter, by default found by the names of its parameters. */
  readonly kind?: string
}

/** A format that adapters are written in for other programs, and read from. A new one is one file and one line in the registry. */
export interface Format {
  /** Number types it can write, the default first. */
  readonly types: readonly TensorType[]
  /** Ending of the file's name, which selects it if no format is named; absent for a folder. */
  readonly ending?: string
  /** True if it is a text about the adapter, which leaves nothing out and is not read back. */
  readonly describes?: true
  encode(adapter: Adapter, type: TensorType, terms?: TermsFacts): Uint8Array | ReadonlyMap<string, Uint8Array>
  /** True if the content of a file or folder is of this format; absent if no file is, or another format reads it. */
  matches?(input: Input): boolean
  /** Reads an adapter that matches; facts in a file of its folder are read for it. */
  decode?(input: Input): Decoded | Promise<Decoded>
}
