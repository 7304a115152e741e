/** Every {@link ErrorCode}. */
export const ERROR_CODES = [
  'USAGE',
  'FILE_NOT_FOUND',
  'FILE_READ',
  'FILE_WRITE',
  'DATASET_FORMAT',
  'DATASET_INVALID',
  'DATASET_SPLIT',
  'DATASET_LEAK',
  'PROVIDER_UNKNOWN',
  'PROVIDER_PACKAGE',
  'PROVIDER_KEY',
  'PROVIDER_MODEL',
  'PROVIDER_INPUT',
  'PROVIDER_REQUEST',
  'PROVIDER_RESPONSE',
  'BATCH_PENDING',
  'VECTOR_INVALID',
  'CACHE_OPEN',
  'CACHE_CORRUPT',
  'ADAPTER_FORMAT',
  'ADAPTER_CORRUPT',
  'ADAPTER_MISMATCH',
  'CONVERT_UNSUPPORTED',
  'INDEX_OPEN',
  'ENGINE_UNKNOWN',
  'ENGINE_UNAVAILABLE',
  'ENGINE_MEMORY',
  'TRAIN_DATA',
  'TRAIN_DIVERGED',
  'SERVE_LISTEN',
  'ABORTED',
] as const

/**
 * Stable code of an {@link AdapterTrainError}, which programs may test for.
 *
 * `USAGE` a wrong option or argument · `FILE_*` the file system · `DATASET_*` the dataset · `PROVIDER_*` the embedding
 * provider · `BATCH_PENDING` batches are pending and were not waited for · `VECTOR_INVALID` a vector of wrong length or with a
 * non-finite value · `CACHE_*` the embedding cache · `ADAPTER_*` an adapter file · `INDEX_OPEN` a vector index · `CONVERT_UNSUPPORTED` a format that cannot
 * express an adapter · `ENGINE_*` the compute engine · `TRAIN_*` training · `SERVE_LISTEN` an address the server cannot listen
 * at · `ABORTED` stopped by the caller.
 */
export type ErrorCode = (typeof ERROR_CODES)[number]
/** Facts of an error, for programs; never a secret, never a vector. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** Characters of a message; what a file holds may be longer. */
const LONGEST = 3000

/**
 * The one error class of this package.
 *
 * The message says what failed and on which thing (file, line, id), what was expected and what was found, and what to do.
 */
export class AdapterTrainError extends Error {
  override readonly name = 'AdapterTrainError'
  /** Stable code. */
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message, options)
    this.code = code
    this.details = options.details ?? {}
  }
}

export const usageError = (message: string, options?: { cause?: unknown; details?: ErrorDetails }): AdapterTrainError =>
  new AdapterTrainError('USAGE', message, options)

/** True for an {@link AdapterTrainError}, of the given code if any. */
export function isAdapterTrainError(error: unknown, code?: ErrorCode): error is AdapterTrainError {
  return error instanceof AdapterTrainError && (code === undefined || error.code === code)
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
