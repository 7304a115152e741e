import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { checkWritable, writeFileAtomic } from '../dist/files.js'
import { VERSION } from '../dist/version.js'
import { benchApply } from './apply.mjs'
import { benchCache } from './cache.mjs'
import { findEngines } from './engines.mjs'
import { createFloor } from './floor.mjs'
import { HELP, readOptions } from './options.mjs'
import { TABLES } from './tables.mjs'
import { findPeer } from './torch-peer.mjs'
import { benchPools, benchTrain } from './train.mjs'

/** After so many seconds --quick measures nothing a second time. */
const QUICK_SECONDS = 75

/**
 * @typedef {object} Context
 * @property {import('./options.mjs').BenchOptions} options
 * @property {import('./engines.mjs').BenchEngine[]} engines
 * @property {import('./torch-peer.mjs').Peer} [peer]
 * @property {(what: string) => void} progress
 * @property {(text: string) => void} note
 * @property {() => boolean} hurry whether to go without further rounds
 */

const started = performance.now()
const elapsed = () => (performance.now() - started) / 1000
const print = text => process.stdout.write(`${text}\n`)

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(HELP)
  else await bench(options)
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}

async function bench(options) {
  if (options.json) checkWritable(options.json)
  printMachine()
  const wanted = name => options.only.includes(name)
  /** @type {Context} */
  const context = {
    options,
    engines: [],
    progress: what => process.stderr.write(`${elapsed().toFixed(0).padStart(4)} s  ${what}\n`),
    note: text => print(`note: ${text}`),
    hurry: () => options.quick && elapsed() > QUICK_SECONDS,
  }
  if (wanted('train')) await findContestants(context)

  const rows = []
  const add = (name, found) => {
    rows.push(...found)
    print(TABLES[name](found))
  }
  const floor = wanted('floor') ? createFloor(context) : undefined
  await floor?.measure()
  if (wanted('apply')) add('apply', benchApply(context))
  if (wanted('cache')) add('cache', await benchCache(context))
  await floor?.measure()
  const trained = wanted('train') ? await benchTrain(context) : []
  if (trained.length > 0) await floor?.measure()
  if (wanted('train')) trained.push(...(await benchPools(context)))
  if (floor) add('floor', floor.rows())
  if (wanted('train')) add('train', withFloor(trained, rows, context.engines))
  context.peer?.close()
  if (options.json) writeFileAtomic(options.json, `${JSON.stringify(rows, null, 1)}\n`)
  print(`${elapsed().toFixed(0)} s in all, load average now ${load()}`)
}

async function findContestants(context) {
  const { found, absent } = await findEngines(context.options)
  context.engines = found
  for (const { name, description } of found) print(`${name}: ${description}`)
  for (const text of absent) print(`absent: ${text}`)
  if (context.options.recipes.length === 0) return
  const peer = await findPeer(context.options)
  context.peer = peer.peer
  print(peer.peer ? peer.peer.description : `absent: ${peer.absent}`)
}

/** Adds how many times the floor each row on the CPU takes, where the floor of its size was measured. */
function withFloor(rows, measured, engines) {
  const onCpu = row => row.engine.startsWith('torch:') || engines.some(e => e.name === row.engine && e.onCpu)
  return rows.map(row => {
    const same = other => other.bench === 'floor' && other.dim === row.dim && other.batch === row.batch
    const floor = measured.find(same)
    if (!floor || row.pool || !onCpu(row)) return row
    return { ...row, timesFloor: row.msPerStep / floor.msPerStep }
  })
}

function printMachine() {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  print(`adapter-train ${VERSION}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`)
  print(`${cpus()[0]?.model.trim()}, ${availableParallelism()} threads, ${memory}, load average ${load()}`)
}

function load() {
  return loadavg()[0].toFixed(1)
}
