// npm run bench:drift -- --vectors DIR [--seed 42]
//
// For every folder <model>/<set> below DIR: the share of unfamiliar queries among the tenth of its training queries that were held out,
// among its test queries and among the test queries of the model's other sets; and what one query costs.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { familiarityOf, familiarityTest } from '../dist/drift/familiarity.js'
import { row } from '../dist/math/matrix.js'
import { gatherRows } from '../dist/math/row-source.js'
import { documentGroups, groupFolds } from '../dist/train/tune/folds.js'
import { readVectors } from '../dist/vectors/read-vectors.js'
import { printColumns } from './draw-and-train.mjs'

const { values } = parseArgs({ options: { vectors: { type: 'string' }, seed: { type: 'string', default: '42' } } })
if (!values.vectors) {
  process.stderr.write('usage: npm run bench:drift -- --vectors DIR [--seed 42]\n')
  process.exit(2)
}
const seed = Number(values.seed)
const lines = [['model', 'trained on', 'held out', 'own test', 'foreign', 'µs a query']]
for (const model of readdirSync(values.vectors)) {
  const sets = []
  for (const name of readdirSync(join(values.vectors, model))) {
    sets.push({ name, ...(await readVectors(join(values.vectors, model, name))) })
  }
  for (const { name, train, test } of sets) {
    const folds = foldsOf(train)
    const part = held => Uint32Array.from(folds.keys()).filter(i => (folds[i] === 0) === held)
    const kept = part(false)
    const queries = gatherRows(train.queries, kept)
    const known = familiarityTest(familiarityOf(queries, seed), { base: { id: model, dimensions: queries.cols } })
    const started = performance.now()
    const heldOut = share(known, gatherRows(train.queries, part(true)))
    const microseconds = (1000 * (performance.now() - started)) / (folds.length - kept.length)
    const foreign = sets
      .filter(other => other.name !== name)
      .map(other => `${other.name} ${share(known, gatherRows(other.test.queries, evenly(other.test.queries.rows, 1000)))}`)
    const own = share(known, gatherRows(test.queries, evenly(test.queries.rows, 1000)))
    lines.push([model, name, heldOut, own, foreign.join(', '), microseconds.toFixed(0)])
  }
}
printColumns(lines)

/** A tenth of the queries, in whole documents where these have few. */
function foldsOf(train) {
  const groups = documentGroups(train)
  return new Set(groups).size < 200 ? groups.map((_, i) => i % 10) : groupFolds(groups, 10, seed)
}

function evenly(rows, most) {
  const count = Math.min(rows, most)
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count))
}

function share(known, queries) {
  let unfamiliar = 0
  for (let i = 0; i < queries.rows; i++) if (known(row(queries, i)).unfamiliar) unfamiliar++
  return `${((100 * unfamiliar) / queries.rows).toFixed(1)}%`
}
