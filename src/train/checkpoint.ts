import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import type { Weights } from '../adapters/kind.js'
import { AdapterTrainError, messageOf } from '../errors.js'
import { checkWritable, writeFileAtomic } from '../write-file-atomic.js'
import { decodeState, encodeState } from './state-codec.js'
import type { EpochResult } from './train-adapter.js'
import type { TrainerState } from './trainer.js'

/** What has to be the same for a run to go on where another one stopped: data, options, engine, version. */
export type RunIdentity = Readonly<Record<string, string | number | boolean | undefined>>

/** A training run at the end of an epoch. */
export interface TrainingState {
  readonly trainer: TrainerState
  readonly epochs: readonly EpochResult[]
  readonly best: Weights
  readonly bestEpoch: number
  readonly bestMetric?: number
  readonly baseMetric?: number
}

/** What a checkpoint holds: as much as is done. */
export interface CheckpointState {
  readonly training?: TrainingState
  /** What else a pipeline has done, by name, as plain data and typed arrays. */
  readonly [step: string]: unknown
}

/** The file in which a run leaves what it has done. */
export interface Checkpoint {
  readonly path: string
  /** What the file held when it was opened, and what was saved since. */
  readonly state: CheckpointState
  /**
   * Says what this run is, in one respect.
   * @param what the respect, such as `engine`
   * @throws USAGE when the file was left by another run, with what differs and what to do
   */
  require(what: string, identity: RunIdentity): void
  /** Adds to the state and writes the file, whole or not at all. */
  save(part: CheckpointState): void
  /** Forgets what is done, and what the run is in one respect. */
  restart(what: string): void
}

interface Content {
  readonly identity: Readonly<Record<string, RunIdentity>>
  readonly state: CheckpointState
}

const FORMAT = 'adapter-train/checkpoint-1'

/**
 * Opens a checkpoint: the state that an interrupted run left there, or an empty one.
 *
 * The file is a line with the format and the SHA-256 of all that follows, then the state (see `encodeState`). It holds vectors' worth
 * of weights, but neither texts nor vectors of the data.
 *
 * @throws FILE_READ when the file cannot be read, is none of ours, or is damaged
 * @throws FILE_WRITE when it could not be written
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
        throw new AdapterTrainError(
          'USAGE',
          `cannot go on from ${path}, which another run has left: ${differences.join('; ')}; delete the file to start anew, or name another one with --checkpoint`,
          { details: { file: path, differs } },
        )
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

/** Removes a checkpoint whose run is done. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true })
}

function read(path: string): Content {
  const failed = (problem: string, cause?: unknown) =>
    new AdapterTrainError(
      'FILE_READ',
      `cannot go on from ${path}: ${problem}; delete the file to start anew, or name another one with --checkpoint`,
      { cause, details: { file: path } },
    )
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw failed(messageOf(cause).split(', ')[0], cause)
  }
  const end = bytes.indexOf(10)
  const [format, hash] = bytes
    .subarray(0, Math.max(0, Math.min(end, 200)))
    .toString('latin1')
    .split(' ')
  if (format !== FORMAT) throw failed(`it is no checkpoint of this release, which begins with "${FORMAT}"`)
  const body = bytes.subarray(end + 1)
  if (sha256([body]) !== hash) throw failed('it is damaged, its checksum does not match')
  return decodeState(body) as Content
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
