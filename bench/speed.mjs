// npm run bench:speed -- --python FILE [--peer FILE] [--recipe FILE --vectors DIR] [--dims 64,384,1024,1536,3072] [--batches 32,256,1024]
//                        [--seconds 0.8] [--rounds 3] [--out FILE]
//
// The speed table of docs/performance.md, in one run on a quiet machine: the cpu engine beside PyTorch at its best, LlamaIndex's loop, and
// whole runs beside the reference recipe. It writes the results and the page.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { writeFileAtomic } from '../dist/files.js'
import { openData } from '../dist/pipeline/open-data.js'
import { runTraining } from '../dist/pipeline/run-training.js'
import { findEngines } from './engines.mjs'
import { writeSection } from './page.mjs'
import { speedSection } from './speed-table.mjs'
import { median } from './statistics.mjs'
import { blasOf, findPeer } from './torch-peer.mjs'
import { benchTrain } from './train.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const RESULTS = join(root, 'bench/speed.json')
/** Sets of 64 dimensions on which whole runs are compared, in folders of --vectors. */
const WHOLE = ['potion-base-2M/finance10k', 'potion-base-2M/banking77']

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    peer: { type: 'string' },
    recipe: { type: 'string', default: join(root, '../shared/reference/recipe.py') },
    vectors: { type: 'string', default: join(root, '../shared/vectors') },
    dims: { type: 'string', default: '64,384,1024,1536,3072' },
    batches: { type: 'string', default: '32,256,1024' },
    seconds: { type: 'string', default: '0.8' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: RESULTS },
  },
})
const list = text => text.split(',').map(Number)
const options = {
  dims: list(values.dims),
  batches: list(values.batches),
  seconds: Number(values.seconds),
  rounds: Number(values.rounds),
  recipes: ['stacked', 'llamaindex'],
  engines: ['cpu'],
  enginesGiven: true,
}
const started = performance.now()
const say = text => process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
const load = () => Number(loadavg()[0].toFixed(2))
const loadBefore = load()

const { found, absent } = await findEngines(options)
const { peer, absent: noPeer } = await findPeer(values)
if (found.length === 0 || !peer) {
  process.stderr.write(`bench:speed: ${absent[0] ?? noPeer}\n`)
  process.exit(1)
}
const note = text => say(`note: ${text}`)
const measured = await benchTrain({ options, engines: found, peer, progress: say, note, hurry: () => false })
peer.close()
const whole = await wholeRuns()
const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0]?.model.trim(), threads: availableParallelism(), node: process.version },
  load: { before: loadBefore, after: load() },
  seconds: Math.round((performance.now() - started) / 1000),
  cpu: found[0].description,
  torch: { version: peer.version, blas: peer.blas },
  steps: measured.map(({ msOfRounds, ...row }) => ({
    ...row,
    msOfRounds: msOfRounds.map(ms => Number(ms.toPrecision(5))),
  })),
  whole,
}
writeFileAtomic(values.out, `${JSON.stringify(results, null, 1)}\n`)
const section = speedSection(results)
process.stdout.write(`${section}\n`)
if (values.out === RESULTS) writeSection(join(root, 'docs/performance.md'), 'speed', section)

/** Selection and training with its default options, and by the recipe in NumPy, in turns: seconds without start, reading and the test set. */
async function wholeRuns() {
  const python = values.python ?? 'python3'
  const sets = WHOLE.filter(set => existsSync(join(values.vectors, set, 'pairs.json')))
  if (!existsSync(values.recipe) || sets.length === 0) {
    note(`whole runs left out: no ${existsSync(values.recipe) ? `${WHOLE[0]} in ${values.vectors}` : values.recipe}`)
    return undefined
  }
  const run = promisify(execFile)
  const rows = []
  for (const set of sets) {
    const folder = join(values.vectors, set)
    const times = { ours: [], recipe: [] }
    for (let round = 0; round < Math.min(2, options.rounds); round++) {
      say(`whole run, ${set}, round ${round + 1}`)
      const data = await openData({ vectors: folder, valFraction: 0 })
      const { report } = await runTraining({ data, textTerms: 'off', train: { seed: 42, engine: 'cpu' } })
      times.ours.push(report.seconds.tune + report.seconds.train)
      const { stdout } = await run(python, [values.recipe, folder], { maxBuffer: 1e8 })
      times.recipe.push(JSON.parse(stdout).t)
    }
    rows.push({
      set,
      ours: median(times.ours),
      recipe: median(times.recipe),
      ratio: median(times.recipe) / median(times.ours),
    })
  }
  const { blas } = await blasOf(python, 'import numpy as np; np.ones((64, 64)) @ np.ones((64, 64))', process.env)
  return { rows, blas }
}
