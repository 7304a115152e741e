/**
 * Every code that an {@link AdapterTrainError} can carry. Codes are stable: programs may test for them.
 *
 * `USAGE` a wrong option or argument · `FILE_*` the file system · `DATASET_*` the data set · `PROVIDER_*` the embedding
 * provider · `BATCH_PENDING` batches are under way and were not waited for · `VECTOR_INVALID` a vector of wrong length or with a non-finite value · `CACHE_*` the embedding cache ·
 * `ADAPTER_*` an adapter file · `CONVERT_UNSUPPORTED` a format that cannot express an adapter · `ENGINE_*` the compute engine ·
 * `TRAIN_*` training · `SERVE_LISTEN` an address that the server cannot listen at · `ABORTED` stopped by the caller.
 */
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
  'ENGINE_UNKNOWN',
  'ENGINE_UNAVAILABLE',
  'ENGINE_MEMORY',
  'TRAIN_DATA',
  'TRAIN_DIVERGED',
  'SERVE_LISTEN',
  'ABORTED',
] as const

/** @see {@link ERROR_CODES} */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** What the error is about, for programs; never a secret, never a vector. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/**
 * The one error class of this package.
 *
 * The message says what failed and on which thing (file, line, id), what was expected and what was found, and what to do.
 */
export class AdapterTrainError extends Error {
  override readonly name = 'AdapterTrainError'
  /** A stable code, one of {@link ERROR_CODES}. */
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** Whether `error` is an {@link AdapterTrainError}, of the given code where one is given. */
export function isAdapterTrainError(error: unknown, code?: ErrorCode): error is AdapterTrainError {
  return error instanceof AdapterTrainError && (code === undefined || error.code === code)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
