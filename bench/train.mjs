import { TRAIN_DEFAULTS } from '../dist/train/options.js'
import { compare } from './compare.mjs'
import { PAIRS } from './options.mjs'
import { randomDataset } from './random-data.mjs'
import { timesAsLong } from './statistics.mjs'
import { LLAMAINDEX_BATCH } from './torch-peer.mjs'
import { createTraining } from './training.mjs'

/** Queries in memory: the steps of an epoch are all alike, so a part of them tells the time of all. As the PyTorch script. */
const QUERIES = 2048
const BATCHES = 8

/**
 * Training in every engine and in PyTorch, against the batch's own documents.
 * @param {import('./run.mjs').Context} context
 */
export async function benchTrain(context) {
  const { options, peer } = context
  const rows = []
  for (const dim of options.dims) {
    for (const batch of options.batches) {
      const recipe = options.recipes.includes('stacked') ? 'stacked' : undefined
      rows.push(...(await withPeer(context, { dim, batch }, peer && recipe, batch, 'timesFasterThanStacked')))
    }
    if (peer && options.recipes.includes('llamaindex')) {
      const size = { dim, batch: TRAIN_DEFAULTS.batchSize }
      rows.push(...(await withPeer(context, size, 'llamaindex', LLAMAINDEX_BATCH, 'timesFasterThanLlamaindex')))
    }
  }
  return rows
}

/**
 * Training against a pool that is the whole corpus.
 * @param {import('./run.mjs').Context} context
 */
export async function benchPools(context) {
  const rows = []
  for (const dim of context.options.poolDims) {
    for (const pool of context.options.pools) rows.push(...(await oursAt(context, { dim, batch: 256, pool }, [])))
  }
  return rows
}

/** Ours and one recipe in turns, with the ratio of their epochs in our rows. */
async function withPeer(context, size, recipe, peerBatch, ratio) {
  const name = `torch:${recipe}`
  const measure = seconds => context.peer.measure(recipe, { dim: size.dim, batch: peerBatch }, seconds)
  const rows = await oursAt(context, size, recipe ? [{ engine: name, batch: peerBatch, measure }] : [])
  const theirs = rows.find(row => row.engine === name)
  const cpu = rows.find(row => row.engine === 'cpu')
  return rows.map(row => {
    if (row === theirs) return row
    return {
      ...row,
      ...(theirs && { [ratio]: timesFaster(row, theirs) }),
      ...(cpu && row !== cpu && { timesFasterThanCpu: timesFaster(row, cpu) }),
    }
  })
}

/** How many epochs of `row` go into one of `other`. */
function timesFaster(row, other) {
  const steps = ({ batch }) => Math.ceil(PAIRS / batch)
  return (timesAsLong(other.msOfRounds, row.msOfRounds) * steps(other)) / steps(row)
}

/** Every engine at one size, and others, in turns. */
async function oursAt(context, { dim, batch, pool }, others) {
  const engines = context.engines.filter(engine => engine.runs(dim, batch))
  if (engines.length + others.length === 0) return []
  const count = Math.min(PAIRS, Math.max(BATCHES * batch, QUERIES))
  const queries = count < batch ? count : count - (count % batch)
  const data = randomDataset(queries, pool ?? queries, dim)
  const trainings = []
  const ours = []
  try {
    for (const engine of engines) {
      try {
        const training = await createTraining(engine, data, { batch, pool })
        trainings.push(training)
        ours.push({ engine: engine.name, batch, measure: training.measure })
      } catch (error) {
        context.note(`${engine.name}, dim ${dim}, batch ${batch}: ${error.message}`)
      }
    }
    return await compare([...ours, ...others], pool ? { dim, pool } : { dim }, context)
  } finally {
    for (const training of trainings) training.close()
  }
}
