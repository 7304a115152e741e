// npm run fuzz -- [--cases 20000] [--reader NAME] [--seed 1] [--case N]
//
// Mutates small valid inputs of every reader. A case ends with a result or an AdapterTrainError, within 2 s of CPU and 500 MB; any other
// error, a message of more than 4,000 characters, and a process that dies or hangs is a failure. `--case N` repeats one, and
// `node test/fuzz/run.mjs --child NAME --case N --cases M --keep DIR` with M = N + 1 leaves its files in DIR.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const SECONDS = 2
const MEGABYTES = 500
const MESSAGE = 4000
/** Milliseconds without a sign, and seconds of CPU, after which a process hangs: on a busy machine it may only wait for its turn. */
const HANG_MS = 60_000
const HANG_SECONDS = 10

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    reader: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    case: { type: 'string' },
    keep: { type: 'string' },
    child: { type: 'string' },
  },
})
const { READERS: FILES, unzip } = await import('./readers.mjs')
// A process of a reader of files does without the servers.
const READERS =
  values.child !== undefined && Object.hasOwn(FILES, values.child)
    ? FILES
    : { ...FILES, ...(await import('./services.mjs')).SERVICES }
if (values.child === undefined) process.exitCode = await parent()
else await child(values.child, Number(values.case ?? 0), Number(values.cases))

async function parent() {
  const names = values.reader ?? Object.keys(READERS)
  const unknown = names.find(name => !Object.hasOwn(READERS, name))
  if (unknown !== undefined) {
    process.stderr.write(`--reader: expected one of ${Object.keys(READERS).join(', ')}, found ${unknown}\n`)
    return 2
  }
  const waiting = [...names]
  let failed = 0
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) failed += await fuzz(name)
  }
  await Promise.all([work(), work()])
  return failed > 0 ? 1 : 0
}

/** Runs the cases of a reader, in a new process after each that ended one; returns the number of failures. */
async function fuzz(name) {
  const started = performance.now()
  const only = values.case === undefined ? undefined : Number(values.case)
  const cases = only === undefined ? Math.ceil(Number(values.cases) * (READERS[name].share ?? 1)) : only + 1
  const worst = { seconds: 0, at: 0, megabytes: 0 }
  let failures = 0
  for (let next = only ?? 0; next < cases && failures < 20; ) {
    const { at, lines, died } = await run(name, next, cases, worst)
    failures += lines.length
    for (const line of lines) process.stdout.write(`${name}: ${line}\n`)
    if (!died) break
    failures++
    process.stdout.write(`${name}: case ${at}: the process ${died}\n`)
    next = at + 1
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(
    `${name}: ${cases} cases, ${failures} failed, ${seconds} s, slowest ${worst.seconds.toFixed(2)} s CPU (case ${worst.at}), ${worst.megabytes} MB\n`,
  )
  return failures
}

function run(name, from, to, worst) {
  const args = ['--max-old-space-size=400', fileURLToPath(import.meta.url), '--child', name, '--case', String(from)]
  const running = spawn(process.execPath, [...args, '--cases', String(to), '--seed', values.seed], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  return new Promise(resolve => {
    const lines = []
    let at = from
    let hangs = false
    let timer
    let before = 0
    const hung = () => {
      const { seconds, runs } = cpuOf(running.pid)
      if (runs && seconds - before < HANG_SECONDS) {
        timer = setTimeout(hung, HANG_MS)
        return
      }
      hangs = true
      running.kill('SIGKILL')
    }
    const wait = () => {
      clearTimeout(timer)
      before = cpuOf(running.pid).seconds
      timer = setTimeout(hung, HANG_MS)
    }
    wait()
    let errors = ''
    running.stderr.on('data', chunk => {
      errors = `${errors}${chunk}`.slice(-2000)
    })
    running.on('message', ({ at: now, problem, seconds, megabytes }) => {
      wait()
      at = now
      if (problem) lines.push(`case ${now}: ${problem}`)
      if (seconds > worst.seconds) Object.assign(worst, { seconds, at: now })
      worst.megabytes = Math.max(worst.megabytes, megabytes ?? 0)
    })
    running.on('exit', (code, signal) => {
      clearTimeout(timer)
      const how = hangs ? `hung for ${HANG_MS / 1000} s` : `ended with ${signal ?? code}: ${errors.trim().split('\n')[0]}`
      resolve({ at, lines, died: code === 0 ? undefined : how })
    })
  })
}

/** CPU time of a process, and whether it computes or waits for a turn to. Where the system does not say, it does not. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    return { seconds: (Number(fields[11]) + Number(fields[12])) / 100, runs: fields[0] === 'R' }
  } catch {
    return { seconds: 0, runs: false }
  }
}

/** Runs cases, and tells the parent where it is. */
async function child(name, from, to) {
  const { createRandom } = await import('../../dist/math/random.js')
  const { AdapterTrainError } = await import('../../dist/errors.js')
  const { encodeZip } = await import('../../dist/convert/torch/zip.js')
  const { mutate } = await import('./mutate.mjs')
  const reader = READERS[name]
  const samples = await reader.samples()
  const folder = values.keep ?? mkdtempSync(join(tmpdir(), `fuzz-${name}-`))
  const send = message =>
    new Promise(resolve => (process.send ? process.send(message, () => resolve()) : resolve(console.log(message))))
  let sentAt = performance.now()
  let at = from
  const failed = error => send({ at, problem: `outside the call: ${String(error?.stack ?? error).slice(0, 800)}`, seconds: 0 })
  process.on('uncaughtException', failed)
  process.on('unhandledRejection', error => {
    // A reader may have said that it knows of the error.
    if (process.listenerCount('unhandledRejection') === 1) failed(error)
  })
  const write = (files, changed, bytes) => {
    for (const [file, content] of Object.entries(files)) {
      const path = join(folder, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, file === changed ? bytes : content)
    }
  }
  const clear = () => {
    for (const file of readdirSync(folder)) rmSync(join(folder, file), { recursive: true, force: true })
  }
  // What is not read as it is would be refused for another reason than its mutation.
  for (const sample of from === 0 ? samples.filter(({ refused }) => !refused) : []) {
    write(sample.files)
    try {
      await reader.read(folder, sample.name)
    } catch (error) {
      await send({ at, problem: `the sample ${sample.name} is not read: ${error?.stack ?? error}`, seconds: 0 })
    }
    clear()
  }
  for (; at < to; at++) {
    const random = createRandom(Number(values.seed) * 1_000_003 + at)
    const sample = samples[random.int(samples.length)]
    const names = Object.keys(sample.files)
    const changed = names[random.int(names.length)]
    const others = samples.flatMap(({ files }) => Object.values(files))
    const original = sample.files[changed]
    let bytes
    if (reader.zip && random.next() < 0.6) {
      const inner = unzip(original)
      const entry = [...inner.keys()].filter(key => reader.zip.test(key))
      const key = entry[random.int(entry.length)]
      bytes = Buffer.from(encodeZip(new Map([...inner, [key, mutate(random, inner.get(key), [inner.get(key)], reader.tokens)]])))
    } else bytes = mutate(random, original, others, reader.tokens)
    write(sample.files, changed, bytes)
    if (at % 200 === 0 || performance.now() - sentAt > 1000) {
      sentAt = performance.now()
      await send({ at })
    }
    const cpu = process.cpuUsage()
    let problem
    try {
      await reader.read(folder, sample.name)
    } catch (error) {
      if (!(error instanceof AdapterTrainError)) problem = String(error?.stack ?? error).slice(0, 1500)
      else if (error.message.length > MESSAGE) problem = `a message of ${error.message.length} characters`
      else if (/cannot read prop|is not a function|is not iterable/i.test(error.message))
        problem = `the message ${JSON.stringify(error.message.slice(0, 300))}`
    }
    const { user, system } = process.cpuUsage(cpu)
    const seconds = (user + system) / 1e6
    const megabytes = Math.round(process.resourceUsage().maxRSS / 1024)
    if (seconds > SECONDS) problem ??= `${seconds.toFixed(1)} s of CPU`
    const isOver = megabytes > MEGABYTES
    if (isOver) problem ??= `${megabytes} MB`
    if (problem || seconds > 0.3 || at === to - 1) await send({ at, problem, seconds, megabytes })
    if (values.keep) return process.disconnect?.()
    clear()
    // The most memory of a process never falls again.
    if (isOver) process.exit(1)
  }
  rmSync(folder, { recursive: true, force: true })
  // Servers of a reader would keep the process.
  process.exit(0)
}
