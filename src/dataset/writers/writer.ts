import type { QADataset } from '../dataset.js'
import type { DatasetSplit } from '../split.js'

/** The parts of a data set in the order in which they are written. */
export const PART_NAMES = ['train', 'validation', 'test'] as const
export type PartName = (typeof PART_NAMES)[number]

/** A file to be written. */
export interface OutputFile {
  /** Within the folder, with slashes. */
  readonly path: string
  /** Made when it is written, as a large corpus should not be in memory three times. */
  content(): Uint8Array
}

/** A file or folder layout that data sets are written in. */
export interface DatasetWriter {
  readonly name: string
  /** For messages and help. */
  readonly description: string
  /** The file of each part, within the folder. */
  readonly partFiles: Readonly<Record<PartName, string>>
  /** Files for all parts together, within the folder. */
  readonly sharedFiles: readonly string[]
  /** All files, those that make the data set complete last. */
  files(parts: DatasetSplit): readonly OutputFile[]
  /**
   * What the format cannot hold, each in a sentence.
   * @throws DATASET_FORMAT when it cannot hold the data set at all
   */
  losses(parts: DatasetSplit): readonly string[]
}

/** The parts that are there, with their names. */
export function partsOf(parts: DatasetSplit): readonly (readonly [PartName, QADataset])[] {
  return PART_NAMES.flatMap(name => (parts[name] ? [[name, parts[name]] as const] : []))
}

/** Grades above 0 for which `lost` holds, and judgements of grade 0. */
export function countGrades(
  parts: DatasetSplit,
  lost: (grade: number) => boolean,
): { readonly changed: number; readonly negatives: number } {
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

/** Lines as one buffer, as a large corpus is longer than a string can be. */
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
