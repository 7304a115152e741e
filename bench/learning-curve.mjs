// npm run bench:learning-curve -- --data DIR [--model DIR] [--sizes 50,100,200,500,1000,all] [--seeds 3] [--cache FILE] [--json FILE]
//
// What a number of labelled queries is worth on the test set: of each training set so many queries are drawn, once for every seed,
// the documents are all there. DIR is a data set (train and test .json, or _dataset.json) or holds several. Training is what
// `adapter-train train` does by itself: options chosen inside the training part, the gate at the end.
import { openData } from '../dist/pipeline/open-data.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { drawQueries } from './data-sets.mjs'
import { drawAndTrain, METRIC, mean, printColumns, signed } from './draw-and-train.mjs'

const FIRST_SEED = 42

await drawAndTrain('bench:learning-curve', '50,100,200,500,1000,all', measure, print)

async function measure(sets, { provider, cache, sizes, seeds, add }) {
  for (const word of sizes) {
    const size = word === 'all' ? sets.labelled.length : Number(word)
    if (size > sets.labelled.length) continue
    for (let i = 0; i < (word === 'all' ? 1 : seeds); i++) {
      const seed = FIRST_SEED + i
      const { report } = await runTraining({
        provider,
        cache,
        tune: 'auto',
        tuneBudget: 600,
        textTerms: 'off',
        hybrid: false,
        data: await openData({ train: drawQueries(sets, size, seed), test: sets.test }),
        train: { seed, engine: 'cpu' },
      })
      const { base, adapted } = report.metrics
      const row = { set: sets.name, queries: size, seed, base: base[METRIC], adapted: adapted[METRIC] }
      add({ ...row, passed: report.gate.passed, p: report.gate.p, seconds: report.seconds.total })
    }
  }
}

function print(rows) {
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
  printColumns([head, ...lines], 1)
}
