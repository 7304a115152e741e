// npm run bench:small-data -- --data DIR [--model DIR] [--sizes 20,50,100,200] [--seeds 3] [--cache FILE] [--json FILE]
//
// What few labelled queries gain on the test set, with and without first sentences of documents as further queries. DIR is a data set
// (train and test .json, or _dataset.json) or holds several; of each training set so many queries are drawn, the documents are all
// there. Training is what `adapter-train train` does by itself: options chosen inside the training part, the gate at the end.
import { openData } from '../dist/pipeline/open-data.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { drawQueries } from './data-sets.mjs'
import { drawAndTrain, METRIC, mean, printColumns, signed } from './draw-and-train.mjs'

await drawAndTrain('bench:small-data', '20,50,100,200', measure, print)

async function measure(sets, { provider, cache, sizes, seeds, add }) {
  for (const size of sizes.map(Number)) {
    if (size > sets.labelled.length) continue
    for (let seed = 1; seed <= seeds; seed++) {
      const train = drawQueries(sets, size, seed)
      const row = { set: sets.name, queries: size, seed }
      for (const pseudoQueries of ['auto', 'off']) {
        // Where no document has a sentence to give, there is one figure.
        if (pseudoQueries === 'off' && row.auto.used === undefined) {
          row.off = row.auto
          continue
        }
        const { report } = await runTraining({
          provider,
          cache,
          pseudoQueries,
          tune: 'auto',
          tuneBudget: 600,
          textTerms: 'off',
          hybrid: false,
          data: await openData({ train, test: sets.test }),
          train: { seed, engine: 'cpu' },
        })
        const gain = report.metrics.adapted[METRIC] - report.metrics.base[METRIC]
        row[pseudoQueries] = { gain, passed: report.gate.passed, p: report.gate.p, ...report.tune.pseudoQueries }
      }
      add(row)
    }
  }
}

function print(rows) {
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
  printColumns([head, ...lines])
}
