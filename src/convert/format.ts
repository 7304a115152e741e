import type { Adapter } from '../adapters/adapter.js'
import type { TensorType } from '../adapters/stored-adapter.js'
import type { Input } from './input.js'

/** What the user says of an adapter whose file does not say it. */
export interface GivenFacts {
  /** Id of the base model, such as `openai/text-embedding-3-small`. */
  readonly baseId?: string
  /** Kind of the adapter, by default found from the names of its parameters. */
  readonly kind?: string
}

/** A way to write an adapter for other programs, and to read it back. A new one is one file and one line in the registry. */
export interface Format {
  /** One line for `--help`. */
  readonly description: string
  /** Number types that it can write, its usual one first. */
  readonly types: readonly TensorType[]
  /** Ending of the file's name, by which it is chosen where no format is named; absent for a folder. */
  readonly ending?: string
  /**
   * @returns the content of the file, or of the files of a folder by name
   * @throws CONVERT_UNSUPPORTED when the format cannot express the adapter
   */
  encode(adapter: Adapter, type: TensorType): Uint8Array | ReadonlyMap<string, Uint8Array>
  /** Whether a file or folder is of this format, by its content. */
  matches(input: Input): boolean
  /**
   * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT when it is broken
   * @throws USAGE when a fact is missing
   */
  decode(input: Input, given: GivenFacts): Adapter | Promise<Adapter>
}
