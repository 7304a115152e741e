import type { Weights } from '../../adapters/kind.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { labelledRows } from '../../embed/embedded-dataset.js'
import type { Rows } from '../../math/row-source.js'
import { createTrainer } from '../trainer.js'
import { type Candidate, trainerOptions } from '../tune/candidate.js'
import type { CrossValidation } from '../tune/cross-validate.js'
import { withQueries } from '../tune/sample-dataset.js'
import type { Search } from '../tune/search.js'

/** The search's own folds do where it has looked at this share of the training queries. */
const ENOUGH = 2 / 3
/** Folds of the sample where the maps are trained on all other training queries, and the share of the usual epochs. */
const FOLDS = 2
const EPOCHS = 0.5

/** Keeps queries that are tied together by documents on one side. */
export interface DocumentSplit {
  readonly groups: { readonly ofTraining: Uint32Array; readonly ofSample: Uint32Array }
  /** Of every query of the sample. */
  readonly folds: Uint32Array
}

/**
 * Maps that were trained without the queries of the sample that they are to be scored on. Where the sample is but a small part of
 * the training queries, on all the others: a map of few queries would make any memory of many look good.
 *
 * @param training the whole training part
 * @param split by query without it
 */
export async function heldOutFits(
  search: Search,
  candidate: Candidate,
  training: EmbeddedDataset<Rows>,
  split?: DocumentSplit,
): Promise<CrossValidation['fits']> {
  const { sample } = search
  const labelled = labelledRows(training).length
  if (sample.queries.rows >= ENOUGH * labelled) {
    return split ? (await search.crossValidate(candidate, split.folds)).fits : search.fits(candidate)
  }
  const folds = split?.folds ?? search.folds
  const fits: { inside: Uint32Array; outside: Uint32Array; weights: Weights }[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const inside = Uint32Array.from(folds.keys()).filter(i => folds[i] % FOLDS === fold)
    if (inside.length === 0) continue
    const left: ReadonlySet<number | string> = split
      ? new Set(Array.from(inside, i => split.groups.ofSample[i]))
      : new Set(Array.from(inside, i => sample.queryIds[i]))
    const nameOf = (row: number): number | string => (split ? split.groups.ofTraining[row] : training.queryIds[row])
    const outside = Uint32Array.from(training.queryIds.keys()).filter(
      row => training.positives[row].size > 0 && !left.has(nameOf(row)),
    )
    fits.push({ inside, outside, weights: await mapOf(search, candidate, withQueries(training, outside)) })
  }
  return fits
}

async function mapOf(
  { engine, tau0, seed, fixed, signal }: Search,
  candidate: Candidate,
  data: EmbeddedDataset<Rows>,
): Promise<Weights> {
  const options = trainerOptions(candidate, tau0, data.queries.rows, seed, fixed)
  const epochs = Math.ceil(EPOCHS * options.epochs)
  const trainer = createTrainer(engine, data, { ...options, epochs, signal })
  try {
    let weights: Weights = {}
    for (let epoch = 0; epoch < epochs; epoch++) weights = (await trainer.epoch()).weights
    return weights
  } finally {
    trainer.free()
  }
}
