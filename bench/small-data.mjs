// npm run bench:small-data -- --data DIR [--model DIR] [--sizes 20,50,100,200] [--seeds 3] [--cache FILE] [--json FILE]
//
// What few labelled queries gain on the test set, with and without first sentences of documents as further queries. DIR is a data set
// (train and test .json, or _dataset.json) or holds several; of each training set so many queries are drawn, the documents are all
// there. Training is what `adapter-train train` does by itself: options chosen inside the training part, the gate at the end.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openCache } from '../dist/cache/sqlite-cache.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { createProvider } from '../dist/providers/index.js'
import { writeFileAtomic } from '../dist/write-file-atomic.js'
import { dataFolders, drawQueries, readSets } from './data-sets.mjs'

const METRIC = 'ndcg@10'
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string' },
    sizes: { type: 'string', default: '20,50,100,200' },
    seeds: { type: 'string', default: '3' },
    cache: { type: 'string', default: 'cache/embeddings.sqlite' },
    json: { type: 'string' },
  },
})
if (!values.data) {
  process.stderr.write(
    'usage: npm run bench:small-data -- --data DIR [--model DIR] [--sizes 20,50,100,200] [--seeds 3] [--json FILE]\n',
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
  for (const size of values.sizes.split(',').map(Number)) {
    if (size > sets.labelled.length) continue
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const train = drawQueries(sets, size, seed)
      const row = { set: sets.name, queries: size, seed }
      for (const pseudoQueries of ['auto', 'off']) {
        // Where no document has a sentence to give, there is one figure.
        if (pseudoQueries === 'off' && row.auto.used === undefined) {
          row.off = row.auto
          continue
        }
        const { report } = await runTraining({
          ...{ provider, cache, pseudoQueries, tune: 'auto', tuneBudget: 600 },
          parts: { train, test: sets.test },
          train: { seed, engine: 'cpu' },
        })
        const gain = report.metrics.adapted[METRIC] - report.metrics.base[METRIC]
        row[pseudoQueries] = { gain, passed: report.gate.passed, p: report.gate.p, ...report.tune.pseudoQueries }
      }
      rows.push(row)
      process.stderr.write(`${JSON.stringify(row)}\n`)
    }
  }
}

function print() {
  const mean = list => list.reduce((sum, value) => sum + value, 0) / list.length
  const signed = value => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`
  const head = ['labelled', 'runs', 'without: gain', 'worst', 'pass', 'with: gain', 'worst', 'pass', 'used']
  const lines = [...new Set(rows.map(row => row.queries))].map(size => {
    const some = rows.filter(row => row.queries === size)
    const cells = ['off', 'auto'].flatMap(key => {
      const gains = some.map(row => row[key].gain)
      return [
        signed(mean(gains)),
        signed(Math.min(...gains)),
        `${Math.round(100 * mean(some.map(row => Number(row[key].passed))))} %`,
      ]
    })
    const used = some.map(({ auto }) => Number(auto.used === true && auto.passed))
    return [String(size), String(some.length), ...cells, `${Math.round(100 * mean(used))} %`]
  })
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map(cells => cells[i].length)))
  process.stdout.write(`test ${METRIC}, base ${provider.id}; an adapter that does not pass the gate gains 0\n\n`)
  for (const cells of [head, ...lines])
    process.stdout.write(`${cells.map((cell, i) => cell.padStart(widths[i])).join('  ')}\n`)
}
