// npm run bench:learning-curve -- --data DIR [--model DIR] [--sizes 50,100,200,500,1000,all] [--seeds 3] [--cache FILE] [--json FILE]
//
// What a number of labelled queries is worth on the test set: of each training set so many queries are drawn, once for every seed,
// the documents are all there. DIR is a data set (train and test .json, or _dataset.json) or holds several. Training is what
// `adapter-train train` does by itself: options chosen inside the training part, the gate at the end.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openCache } from '../dist/cache/sqlite-cache.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { createProvider } from '../dist/providers/index.js'
import { writeFileAtomic } from '../dist/write-file-atomic.js'
import { dataFolders, drawQueries, readSets } from './data-sets.mjs'

const METRIC = 'ndcg@10'
const FIRST_SEED = 42
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string' },
    sizes: { type: 'string', default: '50,100,200,500,1000,all' },
    seeds: { type: 'string', default: '3' },
    cache: { type: 'string', default: 'cache/embeddings.sqlite' },
    json: { type: 'string' },
  },
})
if (!values.data) {
  process.stderr.write(
    'usage: npm run bench:learning-curve -- --data DIR [--model DIR] [--sizes 50,100,200,500,1000,all] [--seeds 3] [--json FILE]\n',
  )
  process.exit(2)
}
const provider = values.model ? await createProvider('sbert', { model: values.model }) : await createProvider('hashing')
const cache = await openCache(values.cache)
const rows = []
try {
  for (const folder of dataFolders(resolve(values.data))) await measure(await readSets(folder))
} finally {
  cache.close()
  await provider.close?.()
}
print()
if (values.json) writeFileAtomic(values.json, `${JSON.stringify(rows, null, 2)}\n`)

async function measure(sets) {
  for (const word of values.sizes.split(',')) {
    const size = word === 'all' ? sets.labelled.length : Number(word)
    if (size > sets.labelled.length) continue
    for (let i = 0; i < (word === 'all' ? 1 : Number(values.seeds)); i++) {
      const seed = FIRST_SEED + i
      const { report } = await runTraining({
        ...{ provider, cache, tune: 'auto', tuneBudget: 600 },
        parts: { train: drawQueries(sets, size, seed), test: sets.test },
        train: { seed, engine: 'cpu' },
      })
      const { base, adapted } = report.metrics
      const row = { set: sets.name, queries: size, seed, base: base[METRIC], adapted: adapted[METRIC] }
      rows.push({ ...row, passed: report.gate.passed, p: report.gate.p, seconds: report.seconds.total })
      process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`)
    }
  }
}

function print() {
  const mean = list => list.reduce((sum, value) => sum + value, 0) / list.length
  const signed = value => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`
  const head = ['set', 'labelled', 'runs', 'base', 'adapted', 'gain', 'worst', 'pass']
  const keyOf = ({ set, queries }) => `${set} ${queries}`
  const lines = [...new Set(rows.map(keyOf))].map(key => {
    const some = rows.filter(row => keyOf(row) === key)
    const gains = some.map(({ adapted, base }) => adapted - base)
    return [
      ...[some[0].set, String(some[0].queries), String(some.length)],
      ...[mean(some.map(row => row.base)), mean(some.map(row => row.adapted))].map(value => value.toFixed(4)),
      ...[mean(gains), Math.min(...gains)].map(signed),
      `${some.filter(row => row.passed).length} of ${some.length}`,
    ]
  })
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map(cells => cells[i].length)))
  process.stdout.write(`test ${METRIC}, base ${provider.id}; an adapter that does not pass the gate gains 0\n\n`)
  for (const cells of [head, ...lines]) {
    process.stdout.write(
      `${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}\n`,
    )
  }
}
