// npm run bench:quality -- --vectors DIR [--json FILE] [--seed 42]
//
// For every folder <model>/<set> below DIR: test nDCG@10 of the base, of LlamaIndex's default recipe and of ours, with the 95 %
// interval of the difference, what was chosen, the gate's word and the time. Nothing is chosen on the test part.
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFileAtomic } from '../dist/files.js'
import { openData } from '../dist/pipeline/open-data.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { readVectors } from '../dist/vectors/read-vectors.js'

const METRIC = 'ndcg@10'
/** LlamaIndex's EmbeddingAdapterFinetuneEngine: file order is replaced by shuffling, the rest is as it is there. */
const LLAMAINDEX = {
  tune: 'off',
  gate: false,
  train: {
    negatives: 'in-batch',
    batchSize: 10,
    epochs: 4,
    learningRate: 2e-5,
    scale: 20,
    weightDecay: 0,
    warmup: 0.1,
    schedule: 'linear',
    maxGradNorm: 1,
    patience: 0,
  },
}

const { values } = parseArgs({
  options: { vectors: { type: 'string' }, json: { type: 'string' }, seed: { type: 'string', default: '42' } },
})
if (!values.vectors) {
  process.stderr.write('usage: npm run bench:quality -- --vectors DIR [--json FILE] [--seed 42]\n')
  process.exit(2)
}

const seed = Number(values.seed)
const rows = []
for (const folder of folders(resolve(values.vectors))) {
  const data = await openData({ vectors: await readVectors(join(values.vectors, folder)) })
  const theirs = await runTraining({
    data,
    ...LLAMAINDEX,
    train: { ...LLAMAINDEX.train, seed, engine: 'cpu' },
  })
  const ours = await runTraining({ data, train: { seed, engine: 'cpu' } })
  const { metrics, difference, gate, tune, seconds } = ours.report
  const row = {
    folder,
    base: metrics.base[METRIC],
    llamaindex: theirs.report.metrics.adapted[METRIC],
    ours: metrics.adapted[METRIC],
    difference: difference[METRIC],
    gate,
    chosen: { negatives: tune.negatives, scale: tune.scale, pull: tune.pull },
    seconds: seconds.total,
  }
  rows.push(row)
  process.stderr.write(`${folder} done in ${seconds.total.toFixed(1)} s\n`)
}
print(rows)
if (values.json) writeFileAtomic(values.json, `${JSON.stringify(rows, null, 2)}\n`)

/** <model>/<set> with a pairs.json. */
function folders(root) {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('pairs.json'))
  return [...new Set(found.map(name => name.replace(/[^/\\]*$/, '').replace(/[/\\]$/, '')))]
    .filter(name => existsSync(join(root, name, 'pairs.json')) && existsSync(join(root, name, 'test_pairs.json')))
    .sort()
}

function print(all) {
  const number = x => x.toFixed(4)
  const signed = x => `${x < 0 ? '' : '+'}${x.toFixed(4)}`
  const head = ['set', 'base', 'LlamaIndex', 'ours', 'gain', '95 % interval', 'chosen', 'gate', 's']
  const mean = key => all.reduce((sum, row) => sum + row[key], 0) / all.length
  const lines = all.map(({ folder, base, llamaindex, ours, difference, gate, chosen, seconds }) => [
    folder,
    ...[base, llamaindex, ours].map(number),
    signed(ours - base),
    `${signed(difference.low)} to ${signed(difference.high)}`,
    `${chosen.negatives} scale ${chosen.scale} pull ${chosen.pull}`,
    gate.passed ? 'passed' : 'gated',
    seconds.toFixed(1),
  ])
  lines.push([
    'mean',
    ...['base', 'llamaindex', 'ours'].map(key => number(mean(key))),
    signed(mean('ours') - mean('base')),
    '',
    '',
    '',
    '',
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map(cells => cells[i].length)))
  for (const cells of [head, ...lines]) {
    process.stdout.write(
      `${cells
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
}
