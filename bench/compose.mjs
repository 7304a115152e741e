// Two models side by side: each alone, their plain concatenation, fitted weights, and the adapter on top. nDCG@10 with 95 % intervals.
// With --pca N,N the same vectors reduced by PCA of the training documents instead, and the adapter on top.
// npm run bench:compose -- --vectors DIR [--parts all-MiniLM-L6-v2,potion-base-2M] [--sets finance10k,cranfield] [--pca 128,64]
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { applyAdapter } from '../dist/adapters/adapter.js'
import { createEngine } from '../dist/engines/index.js'
import { compareRankings } from '../dist/evaluate/compare.js'
import { createEvaluator } from '../dist/evaluate/evaluator.js'
import { matrix, normalizedRows } from '../dist/math/matrix.js'
import { projectRows } from '../dist/math/projection.js'
import { partsFromVectors } from '../dist/pipeline/embedded-parts.js'
import { trainOnEmbedded } from '../dist/pipeline/train-on-embedded.js'
import { fitPca } from '../dist/train/pca.js'
import { readVectors } from '../dist/vectors/read-vectors.js'

const { vectors, parts, sets, pca } = parseArgs({
  options: {
    vectors: { type: 'string' },
    parts: { type: 'string', default: 'all-MiniLM-L6-v2,potion-base-2M' },
    sets: { type: 'string', default: 'finance10k,cranfield' },
    pca: { type: 'string' },
  },
}).values
const METRIC = 'ndcg@10'
/** So that other programs on the machine do not change what is chosen. */
const BUDGET = { tuneBudget: 3600 }
const engine = await createEngine('cpu')

const beside = list => {
  const out = matrix(
    list[0].rows,
    list.reduce((sum, { cols }) => sum + cols, 0),
  )
  let at = 0
  for (const m of list.map(normalizedRows)) {
    for (let i = 0; i < m.rows; i++) out.data.set(m.data.subarray(i * m.cols, (i + 1) * m.cols), i * out.cols + at)
    at += m.cols
  }
  return out
}

console.log('set | system | dimensions | ndcg@10 | against the concatenation (95 % CI)')
for (const set of sets.split(',')) {
  const read = await Promise.all(parts.split(',').map(model => readVectors(join(vectors, model, set))))
  const blocks = read.map(({ train }) => train.docs.cols)
  const joined = name => ({
    ...read[0][name],
    baseId: 'compose',
    queries: beside(read.map(one => one[name].queries)),
    docs: beside(read.map(one => one[name].docs)),
  })
  const data = { train: joined('train'), test: joined('test') }
  const evaluate = (queries, test) => createEvaluator(test, [METRIC]).evaluateOn(engine, queries)
  const plain = await evaluate(data.test.queries, data.test)
  const show = (system, dimensions, scores) => {
    const { mean, low, high } = compareRankings(plain, scores, { seed: 42, metric: METRIC }).difference[METRIC]
    const interval = scores === plain ? '' : `${mean.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`
    console.log([set, system, dimensions, scores.mean[METRIC].toFixed(4), interval].join(' | '))
  }
  if (pca !== undefined) {
    show('concatenation', data.train.docs.cols, plain)
    for (const dimensions of pca.split(',').map(Number)) {
      const projection = await fitPca(data.train.docs, dimensions)
      const reduced = ({ queries, docs, ...rest }) => ({
        ...rest,
        queries: projectRows(queries, projection, false),
        docs: projectRows(docs, projection, true),
      })
      const [train, test] = [reduced(data.train), reduced(data.test)]
      show('reduced', dimensions, await evaluate(test.queries, test))
      const { adapter, report } = await trainOnEmbedded(partsFromVectors({ train, test }), {
        train: { engine },
        ...BUDGET,
      })
      const name = `reduced, adapter${report.gate.kept ? '' : ' (rejected)'}`
      show(name, dimensions, await evaluate(applyAdapter(adapter, test.queries), test))
    }
    continue
  }
  for (const [i, { train, test }] of read.entries()) {
    show(parts.split(',')[i], blocks[i], await evaluate(test.queries, test))
    const { adapter, report } = await trainOnEmbedded(partsFromVectors({ train, test }), { train: { engine } })
    show(
      `${parts.split(',')[i]}, adapter${report.gate.kept ? '' : ' (rejected)'}`,
      blocks[i],
      await evaluate(applyAdapter(adapter, test.queries), test),
    )
  }
  show('concatenation', data.train.docs.cols, plain)
  for (const [name, of] of [
    ['adapter on equal parts', undefined],
    ['weights and adapter', blocks],
  ]) {
    const { adapter, report } = await trainOnEmbedded({ ...partsFromVectors(data), blocks: of }, { train: { engine } })
    const weights = report.weights
    if (weights) {
      const factors = weights.weights.flatMap((weight, i) => Array(blocks[i]).fill(weights.used ? weight : 1))
      const { rows, cols, data: values } = data.test.queries
      const scaled = matrix(
        rows,
        cols,
        values.map((x, k) => x * factors[k % cols]),
      )
      show(
        `weights ${weights.used ? weights.weights.map(w => w.toFixed(2)).join(' : ') : 'not used'}`,
        cols,
        await evaluate(scaled, data.test),
      )
    }
    show(
      `${name}${report.gate.kept && !weights?.onTop ? '' : ' (adapter rejected)'}`,
      data.train.docs.cols,
      await evaluate(applyAdapter(adapter, data.test.queries), data.test),
    )
  }
}
engine.dispose()
