import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import type { Weights } from '../adapters/kind.js'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'
import { checkWritable, readRegularFile, writeFileAtomic } from '../files.js'
import { parseJsonText } from '../json.js'
import { getOrInsert } from '../maps.js'
import type { EpochResult, TrainerState } from './trainer.js'

/** Data, options, engine and version, which have to be the same for a run to resume. */
export type RunIdentity = Readonly<Record<string, string | number | boolean | undefined>>

export interface TrainingState {
  readonly trainer: TrainerState
  readonly epochs: readonly EpochResult[]
  readonly best: Weights
  readonly bestEpoch: number
  readonly bestMetric?: number
  readonly baseMetric?: number
}

/** Everything a run has finished. */
export interface CheckpointState {
  readonly training?: TrainingState
  /** Further steps of a pipeline, by name, as plain data and typed arrays. */
  readonly [step: string]: unknown
}

/** File that keeps the state of a run. */
export interface Checkpoint {
  readonly path: string
  /** Contents of the file when it was opened, and everything saved since. */
  readonly state: CheckpointState
  /**
   * Requires and records the identity of the run in one respect.
   * @param what the respect, such as `engine`
   * @throws USAGE if the file was written by another run, with the differences
   */
  require(what: string, identity: RunIdentity): void
  /** Adds to the state and writes the file atomically. */
  save(part: CheckpointState): void
  /** Discards the state, and the identity in one respect. */
  restart(what: string): void
}

type Content = { readonly identity: Readonly<Record<string, RunIdentity>>; readonly state: CheckpointState }

const MAX_CHECKPOINT_BYTES = 2 ** 31 - 1
const FORMAT = 'adapter-train/checkpoint-1'
const REMEDY = 'Delete the file to start again, or name another one with --checkpoint'

/**
 * Opens a checkpoint: the state an interrupted run left there, or an empty one.
 *
 * The file is a line with the format and the SHA-256 of the rest, then the state (see `encodeState`): weights, but neither texts
 * nor vectors of the data.
 * @throws FILE_READ if the file cannot be read, is not a checkpoint, or is damaged
 * @throws FILE_WRITE if it could not be written
 */
export function openCheckpoint(path: string): Checkpoint {
  checkWritable(path)
  let { identity, state }: Content = existsSync(path) ? read(path) : { identity: {}, state: {} }
  return {
    path,
    get state() {
      return state
    },
    require(what, own) {
      const known = identity[what]
      const differs = known ? Object.keys({ ...known, ...own }).filter(name => known[name] !== own[name]) : []
      if (differs.length > 0) {
        const differences = differs.map(name => `${name} is ${shown(own[name])}, but was ${shown(known[name])}`)
        throw usageError(`cannot resume from ${path}: written by another run, ${differences.join('; ')}. ${REMEDY}`, {
          details: { file: path, differs },
        })
      }
      identity = { ...identity, [what]: own }
    },
    save(part) {
      state = { ...state, ...part }
      const body = encodeState({ identity, state })
      const head = `${FORMAT} ${sha256(body)}\n`
      writeFileAtomic(path, Buffer.concat([Buffer.from(head), ...body]))
    },
    restart(what) {
      const { [what]: _forgotten, ...others } = identity
      identity = others
      state = {}
    },
  }
}

/** Removes the checkpoint of a finished run. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true })
}

function cannotResume(path: string, problem: string, cause?: unknown): AdapterTrainError {
  return new AdapterTrainError('FILE_READ', `cannot resume from ${path}: ${problem}. ${REMEDY}`, {
    cause,
    details: { file: path },
  })
}

/** The error of a checkpoint that does not hold what a run saves. */
export function damagedCheckpoint(path: string, cause: unknown): AdapterTrainError {
  return cannotResume(path, 'it is damaged: it does not hold the state of a run', cause)
}

function read(path: string): Content {
  let bytes: Buffer
  try {
    bytes = readRegularFile(path, MAX_CHECKPOINT_BYTES)
  } catch (cause) {
    throw cannotResume(path, messageOf(cause).split(', ')[0], cause)
  }
  const end = bytes.indexOf(10)
  const head = bytes.subarray(0, Math.max(0, Math.min(end, 200)))
  const [format, hash] = head.toString('latin1').split(' ')
  if (format !== FORMAT) throw cannotResume(path, `not a checkpoint of this release, expected it to begin with "${FORMAT}"`)
  const body = bytes.subarray(end + 1)
  if (sha256([body]) !== hash) throw cannotResume(path, 'damaged, the checksum does not match')
  try {
    return checked(decodeState(body))
  } catch (cause) {
    throw damagedCheckpoint(path, cause)
  }
}

/** Checks what resuming relies on; what a checksum cannot tell. @throws Error */
function checked(content: unknown): Content {
  const { identity, state } = asObject(content)
  Object.values(asObject(identity)).map(asObject)
  const { training, folds = [] } = asObject(state) as Record<string, unknown>
  if (!Array.isArray(folds)) throw new Error('no list of folds')
  if (training !== undefined) {
    const { trainer, epochs, best, bestEpoch } = asObject(training)
    if (!Array.isArray(epochs) || !Number.isSafeInteger(bestEpoch)) throw new Error('no epochs')
    asObject(trainer)
    for (const epoch of epochs) asObject(epoch)
    for (const m of Object.values(asObject(best))) {
      const { rows, cols, data } = asObject(m)
      if (!(data instanceof Float32Array) || data.length !== Number(rows) * Number(cols)) throw new Error('no weights')
    }
  }
  return content as Content
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error('no object')
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function shown(value: RunIdentity[string]): string {
  if (value === undefined) return 'not set'
  const text = String(value)
  return text.length > 16 && /^[0-9a-f]+$/.test(text) ? `${text.slice(0, 12)}…` : text
}

const TYPES = { Float32Array, Float64Array, Uint32Array } as const
type Numbers = InstanceType<(typeof TYPES)[keyof typeof TYPES]>

/** Position of a typed array in the bytes after the JSON. */
type Place = { readonly $array: keyof typeof TYPES; readonly offset: number; readonly length: number }

const ALIGNMENT = 8

/**
 * Encodes plain data with typed arrays in it: the length of the JSON (uint32, little-endian), the JSON with a place for every typed
 * array, then the arrays' bytes. An array that occurs several times is stored once.
 */
export function encodeState(value: unknown): Uint8Array[] {
  const arrays: Uint8Array[] = []
  const places = new Map<Numbers, Place>()
  let offset = 0
  const json = Buffer.from(
    JSON.stringify(value, (_, item) => {
      const type = typeOf(item)
      if (type === undefined) return item
      return getOrInsert(places, item, () => {
        const bytes = new Uint8Array(item.buffer, item.byteOffset, item.byteLength)
        const place = { $array: type, offset, length: item.length }
        const padding = -bytes.length & (ALIGNMENT - 1)
        arrays.push(bytes, new Uint8Array(padding))
        offset += bytes.length + padding
        return place
      })
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return [length, json, ...arrays]
}

/** Decodes the bytes of {@link encodeState}; an array that occurred several times may come back as several. */
export function decodeState(bytes: Buffer): unknown {
  const end = 4 + bytes.readUInt32LE()
  const payload = bytes.subarray(end)
  parseJsonText(bytes.subarray(4, end).toString())
  return JSON.parse(bytes.subarray(4, end).toString(), (_, item) => {
    if (typeof item !== 'object' || item === null || !('$array' in item)) return item
    const { $array, offset, length } = item as Place
    if (!Object.hasOwn(TYPES, $array) || !(offset >= 0 && length >= 0 && offset + length <= payload.length))
      throw new Error('an array lies outside of the file')
    const array = new TYPES[$array](length)
    new Uint8Array(array.buffer).set(payload.subarray(offset, offset + array.byteLength))
    return array
  })
}

function typeOf(item: unknown): keyof typeof TYPES | undefined {
  if (!ArrayBuffer.isView(item)) return undefined
  return (Object.keys(TYPES) as (keyof typeof TYPES)[]).find(name => item instanceof TYPES[name])
}
