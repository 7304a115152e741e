// npm run bench:terms -- --vectors DIR --data DIR [--only SUBSTRING] [--json FILE] [--seed 42] [--budget 60]
//                        [--labels 100 --seeds 3 | --noise 20]
//
// For every folder <model>/<set> of DIR whose set has texts in the other DIR: test nDCG@10 of the base, of the linear adapter, with
// words and with what `auto` takes; what was chosen, and the time. Nothing is chosen on the test set. With --labels so many training
// queries are drawn, once per seed, and words are left out. With --noise, training queries get documents at random, so many times for
// 50, 200 and 1,000 of them: how often the gate lets a linear part pass, and how often terms alone.
import { appendFileSync, existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { labelledRows } from '../dist/embed/embedded-dataset.js'
import { createRandom, permutation } from '../dist/math/random.js'
import { partsFromVectors } from '../dist/pipeline/embedded-parts.js'
import { openData } from '../dist/pipeline/open-data.js'
import { trainAndReport } from '../dist/pipeline/run-training.js'
import { withQueries } from '../dist/train/tune/sample.js'

const METRIC = 'ndcg@10'
const text = value => ({ type: 'string', default: value })
const { values } = parseArgs({
  options: {
    vectors: text(''),
    data: text(''),
    only: text(''),
    json: { type: 'string' },
    labels: { type: 'string' },
    seed: text('42'),
    budget: text('60'),
    seeds: text('3'),
    noise: { type: 'string' },
  },
})
if (!values.vectors || !values.data) {
  process.stderr.write('usage: npm run bench:terms -- --vectors DIR --data DIR [--only SUBSTRING] [--json FILE]\n')
  process.exit(2)
}
const folders = readdirSync(values.vectors, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('shape.json') && name.includes(values.only))
  .map(name => name.replace(/[/\\]?shape\.json$/, ''))
  .filter(name => existsSync(join(values.data, basename(name), 'train.json')))
  .sort()

const partsOf = async folder => {
  const paths = { vectors: join(values.vectors, folder), texts: join(values.data, basename(folder)) }
  return (await openData({ ...paths, valFraction: 0, testFraction: 0 })).embed({})
}
const drawn = (train, count, seed) => {
  const rows = labelledRows(train)
  return withQueries(
    train,
    Uint32Array.from(permutation(rows.length, createRandom(seed)).slice(0, count).sort(), i => rows[i]),
  )
}
const trained = async (parts, textTerms, seed) => {
  const options = { textTerms, hybrid: false, tuneBudget: Number(values.budget), train: { seed, engine: 'cpu' } }
  return (await trainAndReport(parts, options)).report
}
const add = row => values.json && appendFileSync(values.json, `${JSON.stringify(row)}\n`)
const print = cells => process.stdout.write(`${cells.join('  ')}\n`)
const mean = numbers => numbers.reduce((a, b) => a + b, 0) / numbers.length

if (values.noise !== undefined) await noise(Number(values.noise))
else await quality()

async function quality() {
  const modes = values.labels === undefined ? ['off', 'words', 'auto'] : ['off', 'auto']
  const seeds = values.labels === undefined ? 1 : Number(values.seeds)
  const rows = []
  print(['folder', 'seed', 'base', 'linear', ...modes.slice(1), 'chosen', 'seconds'])
  for (const folder of folders) {
    for (let i = 0; i < seeds; i++) {
      const seed = Number(values.seed) + i
      const row = { folder, seed, seconds: {}, gate: {} }
      for (const textTerms of modes) {
        const whole = await partsOf(folder)
        const { test } = whole
        const train = values.labels === undefined ? undefined : drawn(whole.train, Number(values.labels), seed)
        const report = await trained(train ? partsFromVectors({ train, test }) : whole, textTerms, seed)
        const { metrics, terms, gate, tune, seconds } = report
        row.base = metrics.base[METRIC]
        row[textTerms] = metrics.adapted[METRIC]
        row.seconds[textTerms] = seconds.total
        row.gate[textTerms] = gate.passed
        row.chosen = terms?.source ? `${terms.source} ${terms.alpha} ${terms.rows}` : 'none'
        row.tune = `${tune.negatives} scale ${tune.scale} pull ${tune.pull}`
        row.beside = terms?.linear
      }
      rows.push(row)
      add(row)
      const figures = [row.base, ...modes.map(mode => row[mode])].map(value => value.toFixed(4))
      const times = Object.values(row.seconds).map(value => value.toFixed(1))
      print([folder, seed, ...figures, row.chosen, times.join(' / ')])
    }
  }
  for (const mode of modes) {
    const gains = rows.map(row => row[mode] - row.base)
    print([mode.padEnd(5), `mean gain ${mean(gains).toFixed(4)}`, `worst ${Math.min(...gains).toFixed(4)}`])
  }
}

async function noise(runs) {
  for (const size of [50, 200, 1000]) {
    const found = { linear: 0, terms: 0 }
    for (let run = 0; run < runs; run++) {
      const folder = folders[run % folders.length]
      const parts = await partsOf(folder)
      const some = drawn(parts.train, size, run)
      const random = createRandom(1000 + run)
      const positives = some.positives.map(() => new Map([[random.int(some.docs.rows), 1]]))
      const { gate, terms } = await trained(partsFromVectors({ train: { ...some, positives } }), 'auto', run)
      const linear = gate.passed && terms?.linear.kept !== false
      if (linear) found.linear++
      else if (gate.passed) found.terms++
      add({ folder, size, run, linear, p: gate.p, source: terms?.source })
    }
    print([`${size} random pairs`, `${runs} runs`, `linear part passes ${found.linear}`, `terms alone ${found.terms}`])
  }
}
