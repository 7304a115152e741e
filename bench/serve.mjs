import { fork, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { applyAdapter, matrix, saveAdapter } from '../dist/index.js'
import { createRandom } from '../dist/math/random.js'
import { post, sendLoad } from './serve-load.mjs'
import { TEXTS, textVectors, toBase64 } from './serve-upstream.mjs'
import { share } from './statistics.mjs'

const HELP = `npm run bench:serve -- [options]

Latency that "adapter-train serve" adds to an embeddings service, with a hot swap in the middle and SIGTERM under load at the end.

  --seconds S        of load through the server (default 30)
  --connections N    default 64
  --rate N           requests a second, all connections together (default 192); 0: each sends as soon as it has its answer
  --dim N            dimensions (default 1536)
  --latency MS       of the upstream (default 20)
`
const MODEL = 'text-embedding-3-small'
const LATENCY_GOAL_MS = 3

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '64' },
    rate: { type: 'string', default: '192' },
    dim: { type: 'string', default: '1536' },
    latency: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const [seconds, connections, rate, dim, latency] = ['seconds', 'connections', 'rate', 'dim', 'latency'].map(name =>
  Number(values[name]),
)

/** A linear adapter near the identity. */
function adapterOf(seed) {
  const random = createRandom(seed)
  const W = matrix(dim, dim)
  for (let i = 0; i < W.data.length; i++) W.data[i] = (0.1 * random.normal()) / Math.sqrt(dim)
  for (let i = 0; i < dim; i++) W.data[i * dim + i] += 1
  const b = matrix(1, dim)
  for (let i = 0; i < dim; i++) b.data[i] = 0.01 * random.normal()
  const base = { id: `openai/${MODEL}`, dimensions: dim, normalized: true }
  const training = { tool: 'bench', date: '', data: {}, options: {}, metrics: {} }
  return { kind: 'linear', base, training, params: { W, b } }
}

const vectors = textVectors(dim)
const adapters = [adapterOf(1), adapterOf(2)]
const expected = adapters.map(adapter => vectors.map(vector => toBase64(applyAdapter(adapter, vector))))
const plain = vectors.map(vector => toBase64(vector))

/** Every answer has to be wholly one adapter's, and always the same one's for the same version. */
const served = new Map()
function checkAdapted(text, body, headers) {
  const { embedding } = JSON.parse(body).data[0]
  const which = expected.findIndex(list => list[text] === embedding)
  if (which < 0) return 'an answer of neither adapter'
  const version = headers['x-adapter-version']
  if ((served.get(version) ?? which) !== which) return 'an answer under the version of another adapter'
  served.set(version, which)
  return undefined
}
const checkPlain = (text, body) =>
  JSON.parse(body).data[0].embedding === plain[text] ? undefined : "an answer that is not the upstream's"

function residentMiB(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

/** Processor time of a process so far; NaN where there is no /proc. */
function cpuMs(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return 10 * (Number(stat[11]) + Number(stat[12]))
  } catch {
    return Number.NaN
  }
}

function firstUrl(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
      const url = /"url": "([^"]+)"/.exec(text)?.[1]
      if (url) resolve(url)
    })
    child.on('exit', code => reject(new Error(`the server ended with ${code}`)))
  })
}

const figure = ms => `${ms.toFixed(2)} ms`
const problems = errors => [...errors].map(([what, count]) => `${count} x ${what}`).join(', ') || 'none'
const load = () => loadavg()[0].toFixed(1)

const folder = mkdtempSync(join(tmpdir(), 'adapter-train-bench-'))
const path = join(folder, 'adapter.json')
saveAdapter(adapters[0], path)
const upstream = fork(fileURLToPath(new URL('./serve-upstream.mjs', import.meta.url)), ['play', String(dim), String(latency)])
const children = [upstream]
try {
  const { port } = await new Promise(resolve => upstream.once('message', resolve))
  const direct = `http://127.0.0.1:${port}`
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  const words = ['serve', '--base', 'openai', '--base-url', `${direct}/v1`, '--adapter', path, '--cache', 'none']
  const server = spawn(process.execPath, [main, ...words, '--port', '0', '--json'], {
    env: { ...process.env, OPENAI_API_KEY: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(server)
  const url = await firstUrl(server)
  const common = { connections, rate, texts: TEXTS }
  const shape = rate > 0 ? `${rate} requests a second` : 'each as fast as it gets answers'
  console.log(`${connections} connections, ${shape}; ${dim} dimensions; upstream ${latency} ms; Node ${process.version}`)

  const throughServer = { ...common, url, model: `${MODEL}:query`, seconds, check: checkAdapted }
  const directly = { ...common, url: direct, model: MODEL, seconds: seconds / 6, check: checkPlain }
  await sendLoad({ ...throughServer, seconds: Math.min(3, seconds / 3) })
  const before = await sendLoad(directly)

  const rss = [residentMiB(server.pid)]
  const loadBefore = load()
  const swap = setTimeout(() => {
    rss.push(residentMiB(server.pid))
    saveAdapter(adapters[1], path)
  }, seconds * 500)
  const cpuBefore = cpuMs(server.pid)
  const through = await sendLoad(throughServer)
  const cpu = (cpuMs(server.pid) - cpuBefore) / through.times.length
  clearTimeout(swap)
  rss.push(residentMiB(server.pid))
  const loadAfter = load()
  const after = await sendLoad(directly)

  const base = [...before.times, ...after.times]
  const baseErrors = new Map([...before.errors, ...after.errors])
  const line = (name, times, perSecond, errors) =>
    console.log(
      `${name.padEnd(12)} ${times.length} requests, ${perSecond.toFixed(0)}/s, p50 ${figure(share(times, 0.5))}, ` +
        `p99 ${figure(share(times, 0.99))}, errors: ${problems(errors)}`,
    )
  line('direct', base, (before.perSecond + after.perSecond) / 2, baseErrors)
  line('through', through.times, through.perSecond, through.errors)
  const added = share(through.times, 0.5) - share(base, 0.5)
  const verdict = added < LATENCY_GOAL_MS ? 'within' : 'above'
  console.log(
    `added        p50 ${figure(added)} (${verdict} the goal of ${LATENCY_GOAL_MS} ms), p99 ${figure(share(through.times, 0.99) - share(base, 0.99))}`,
  )
  console.log(`processor    ${figure(cpu)} a request in the server`)
  console.log(
    `swap         ${served.size === 2 ? 'taken' : 'NOT TAKEN'} under load, answers of ${served.size} versions, none mixed unless listed above`,
  )
  console.log(`memory       ${rss.map(mib => `${mib.toFixed(0)} MiB`).join(' -> ')} (start, middle, end)`)
  console.log(`load average ${loadBefore} at the start, ${loadAfter} at the end`)

  const body = JSON.stringify({ model: `${MODEL}:query`, input: '1', encoding_format: 'base64' })
  const inFlight = Array.from({ length: connections }, () => post(undefined, url, body))
  await new Promise(resolve => setTimeout(resolve, latency / 2))
  const ended = new Promise(resolve => server.once('exit', (code, signal) => resolve(code ?? signal)))
  server.kill('SIGTERM')
  const answers = await Promise.all(inFlight)
  const finished = answers.filter(({ status, body: got, headers }) => status === 200 && !checkAdapted(1, got, headers)).length
  console.log(`SIGTERM      ${finished} of ${connections} requests in flight finished, exit code ${await ended}`)
  const failed = through.errors.size > 0 || served.size !== 2 || finished < connections
  process.exitCode = failed ? 1 : 0
} finally {
  for (const child of children) if (child.exitCode === null) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
