import { findNearDuplicates } from '../dataset/near-duplicates.js'
import type { DatasetSplit, PartName, SplitDatasetOptions } from '../dataset/split.js'
import { PART_NAMES, splitDataset } from '../dataset/split.js'
import type { Chunk } from '../documents/chunk.js'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../errors.js'

type Fractions = Required<SplitDatasetOptions['fractions']>

/** Chunk without questions, because it would be in two splits. */
interface LeftOut {
  readonly chunk: Chunk
  /** `overlap`: it begins with the end of a chunk of another split · `near-identical`: another split has a near-duplicate. */
  readonly reason: 'overlap' | 'near-identical'
  readonly like: string
}

export type AssignedChunks = ReturnType<typeof assignParts>

const LEAST_CHUNKS = 2
/** Fewest common characters of chunks that overlap. */
const LEAST_OVERLAP = 20

/**
 * Assigns chunks to training, validation and test splits, before any request: the split never depends on an answer.
 *
 * Chunks of one document stay together. If the documents are too few or too large for that, the chunks are cut in their order into
 * one block per split, and a chunk that begins with the end of another split's is left out.
 */
export function assignParts(chunks: readonly Chunk[], fractions: Fractions, seed: number) {
  const parts = partsOf(fractions)
  if (chunks.length < LEAST_CHUNKS * parts.length) throw tooFew(chunks.length, parts)
  const leftOut: LeftOut[] = []
  const byDocument = assignDocuments(chunks, fractions, seed)
  const partOf = byDocument ?? assignBlocks(chunks, fractions, leftOut)
  leaveOutNearIdentical(chunks, partOf, parts, leftOut)
  const short = parts.find(part => [...partOf.values()].filter(own => own === part).length < LEAST_CHUNKS)
  if (short !== undefined) throw tooFew(chunks.length, parts)
  return {
    corpus: chunks,
    /** Those that are not left out, to be asked about. */
    chunks: chunks.filter(({ id }) => partOf.has(id)),
    partOf: partOf as ReadonlyMap<string, PartName>,
    /** Units that stay together: source documents, or contiguous chunks if the documents are too few. */
    by: byDocument ? ('document' as const) : ('block' as const),
    leftOut,
  }
}

function partsOf({ validation, test }: Fractions): PartName[] {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    const expected = 'expected fractions of at least 0 for validation and test, below 1 together'
    throw usageError(`${expected}, found ${validation} and ${test}`)
  }
  return PART_NAMES.filter(part => part === 'train' || (part === 'validation' ? validation : test) > 0)
}

/** Assigns whole documents; `undefined` if they cannot be divided so. */
function assignDocuments(chunks: readonly Chunk[], fractions: Fractions, seed: number) {
  const { validation, test } = fractions
  if (validation === 0 && test === 0) return new Map<string, PartName>(chunks.map(({ id }) => [id, 'train']))
  const fileOf = new Map(chunks.map(({ id, source }) => [id, source.file]))
  // One query per chunk, so that the split divides chunks.
  const ids = new Map(chunks.map(({ id }) => [id, id]))
  const dataset = {
    name: 'the chunks',
    queries: ids,
    corpus: ids,
    qrels: new Map(chunks.map(({ id }) => [id, new Map([[id, 1]])])),
  }
  let split: DatasetSplit
  try {
    const groupOf = (id: string): string => fileOf.get(id)!
    split = splitDataset(dataset, { by: 'group', groupOf, fractions: { validation, test }, seed })
  } catch (error) {
    if (isAdapterTrainError(error, 'DATASET_SPLIT')) return undefined
    throw error
  }
  const partOf = new Map<string, PartName>()
  for (const part of PART_NAMES) for (const id of split[part]?.queries.keys() ?? []) partOf.set(id, part)
  return partOf
}

function assignBlocks(chunks: readonly Chunk[], fractions: Fractions, leftOut: LeftOut[]): Map<string, PartName> {
  const n = chunks.length
  const held = (share: number): number => (share === 0 ? 0 : Math.max(LEAST_CHUNKS, Math.round(share * n)))
  const borders = { validation: n - held(fractions.validation) - held(fractions.test), test: n - held(fractions.test) }
  const partOf = new Map<string, PartName>()
  let last: Chunk | undefined
  for (const [i, chunk] of chunks.entries()) {
    const part = i >= borders.test ? 'test' : i >= borders.validation ? 'validation' : 'train'
    const other = last !== undefined && partOf.get(last.id) !== part ? last : undefined
    if (other && overlap(other, chunk)) leftOut.push({ chunk, reason: 'overlap', like: other.id })
    else {
      partOf.set(chunk.id, part)
      last = chunk
    }
  }
  return partOf
}

function overlap(chunk: Chunk, next: Chunk): boolean {
  if (chunk.source.file !== next.source.file) return false
  const [a, b] = [chunk, next].map(({ text }) => text.replace(/\s+/g, ' ').trim())
  for (let length = Math.min(a.length, b.length); length >= LEAST_OVERLAP; length--) {
    if (a.endsWith(b.slice(0, length))) return true
  }
  return false
}

/** Of near-duplicates in two splits, keeps the one in the earlier split. */
function leaveOutNearIdentical(
  chunks: readonly Chunk[],
  partOf: Map<string, PartName>,
  parts: readonly PartName[],
  leftOut: LeftOut[],
): void {
  const byId = new Map(chunks.map(chunk => [chunk.id, chunk]))
  const textsOf = (part: PartName) =>
    new Map(chunks.filter(({ id }) => partOf.get(id) === part).map(({ id, text }) => [id, text]))
  for (const [i, part] of parts.entries()) {
    for (const later of parts.slice(i + 1)) {
      for (const { a, b } of findNearDuplicates(textsOf(part), textsOf(later))) {
        if (!partOf.delete(b)) continue
        leftOut.push({ chunk: byId.get(b)!, reason: 'near-identical', like: a })
      }
    }
  }
}

function tooFew(chunks: number, parts: readonly PartName[]): AdapterTrainError {
  const found = `${chunks} ${chunks === 1 ? 'chunk is' : 'chunks are'}`
  const problem = `${found} too few for ${parts.join(', ')}, which share no text`
  const message = `${problem}. Give more documents, smaller chunks, or training alone`
  return new AdapterTrainError('DATASET_SPLIT', message, { details: { chunks, parts } })
}
