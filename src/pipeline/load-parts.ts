import type { DatasetIssue, QADataset } from '../dataset/dataset.js'
import { overlap } from '../dataset/describe.js'
import { type ReadDatasetOptions, readDataset } from '../dataset/read.js'
import { type SplitDatasetOptions, splitDataset } from '../dataset/split.js'
import { SPLIT_DEFAULTS } from './defaults.js'

/** Files of the parts, or the shares (0 to 0.9 of the training queries) to split off. */
export interface LoadPartsOptions extends Pick<ReadDatasetOptions, 'skipInvalid' | 'format'> {
  /** Path of the training set. */
  readonly train: string
  /** Path of the validation set; without it, `valFraction` of the training queries. */
  readonly val?: string
  /** Path of the test set; without it, `testFraction` of the training queries. */
  readonly test?: string
  readonly valFraction?: number
  readonly testFraction?: number
  readonly splitBy?: SplitDatasetOptions['by']
  readonly seed: number
}

/** The parts of a training run. A part is absent where its fraction is 0 and no file is given. */
export interface Parts {
  readonly train: QADataset
  readonly validation?: QADataset
  readonly test?: QADataset
}

/** The parts, and what was said when they were read. */
export interface LoadedParts {
  readonly parts: Parts
  readonly skipped: readonly DatasetIssue[]
  /** What a careful reader of the results should know. */
  readonly warnings: readonly string[]
}

/**
 * Reads the training, validation and test sets, and splits off the training queries what is not given.
 * @throws as `readDataset` and `splitDataset`
 */
export async function loadParts(options: LoadPartsOptions): Promise<LoadedParts> {
  const { skipInvalid, format, seed } = options
  const read = (path: string | undefined) =>
    path === undefined ? undefined : readDataset(path, { skipInvalid, format })
  const given = {
    train: await readDataset(options.train, { skipInvalid, format }),
    val: await read(options.val),
    test: await read(options.test),
  }
  const split = splitMissing(given.train.dataset, {
    by: options.splitBy ?? SPLIT_DEFAULTS.splitBy,
    seed,
    fractions: {
      validation: given.val ? 0 : (options.valFraction ?? SPLIT_DEFAULTS.valFraction),
      test: given.test ? 0 : (options.testFraction ?? SPLIT_DEFAULTS.testFraction),
    },
  })
  const parts: Parts = {
    train: split.train,
    validation: given.val?.dataset ?? split.validation,
    test: given.test?.dataset ?? split.test,
  }
  const skipped = [given.train, given.val, given.test].flatMap(loaded => loaded?.skipped ?? [])
  const notes = [given.train, given.val, given.test].flatMap(loaded => loaded?.notes ?? [])
  return { parts, skipped, warnings: [...notes, ...leaks(parts)] }
}

function splitMissing(train: QADataset, options: SplitDatasetOptions): Parts {
  const { validation, test } = options.fractions
  return validation || test ? splitDataset(train, options) : { train }
}

/** Held-out queries that training has seen. */
function leaks({ train, validation, test }: Parts): string[] {
  return [validation, test].flatMap(part => {
    const shared = part ? overlap(train, part).queryTexts : []
    if (!part || shared.length === 0) return []
    const example = shared[0].length > 60 ? `${shared[0].slice(0, 60)}…` : shared[0]
    return [
      `${shared.length} of the ${part.queries.size} queries of ${part.name} are training queries too (such as "${example}"): its figures flatter the adapter`,
    ]
  })
}
