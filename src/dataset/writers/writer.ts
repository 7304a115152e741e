import type { QADataset } from '../dataset.js'
import { type DatasetSplit, PART_NAMES, type PartName } from '../split.js'

/** A file or folder layout that datasets are written in. */
export interface DatasetWriter {
  readonly name: string
  readonly description: string
  /** File of each split, within the folder, with slashes. */
  readonly partFiles: Readonly<Record<PartName, string>>
  /** Files for all splits together, by name, which are written before those of the splits. */
  readonly sharedFiles?: Readonly<Record<string, (parts: DatasetSplit) => Uint8Array>>
  /** Makes the file of a split. */
  encode(part: QADataset): Uint8Array
  /** Sentences about what the format loses. @throws DATASET_FORMAT if it cannot hold the dataset at all */
  losses(parts: DatasetSplit): readonly string[]
}

export function partsOf(parts: DatasetSplit): readonly (readonly [PartName, QADataset])[] {
  return PART_NAMES.flatMap(name => (parts[name] ? [[name, parts[name]] as const] : []))
}

/** Counts grades above 0 for which `lost` is true, and judgements with grade 0. */
export function countGrades(parts: DatasetSplit, lost: (grade: number) => boolean) {
  let [changed, negatives] = [0, 0]
  for (const [, { qrels }] of partsOf(parts)) {
    for (const judged of qrels.values()) {
      for (const grade of judged.values()) {
        if (grade === 0) negatives++
        else if (lost(grade)) changed++
      }
    }
  }
  return { changed, negatives }
}

/** Encodes lines as one buffer, as a large corpus is longer than a string can be. */
export function linesToBytes(lines: Iterable<string>): Buffer {
  const blocks: Buffer[] = []
  let block: string[] = []
  let length = 0
  for (const line of lines) {
    block.push(line, '\n')
    length += line.length
    if (length < 1 << 20) continue
    blocks.push(Buffer.from(block.join('')))
    block = []
    length = 0
  }
  return Buffer.concat([...blocks, Buffer.from(block.join(''))])
}
