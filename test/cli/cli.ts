import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** The built command. */
export const MAIN = resolve(dirname(fileURLToPath(import.meta.url)), '../../dist/cli/main.js')
if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: these tests run the built command; run "npm run build" first`)

/** How a run ended. */
export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Working folder. */
  readonly cwd: string
  /** Added to an environment without any key, address or proxy. */
  readonly env?: Readonly<Record<string, string>>
}

export interface RunningCli {
  readonly child: ChildProcess
  readonly ended: Promise<CliResult>
}

/** Runs that a failed test may have left behind. */
const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts the built command as a user's shell would, with stdin closed. */
export function startCli(args: readonly string[], { cwd, env = {} }: CliOptions): RunningCli {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.on('close', () => running.delete(child))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', chunk => {
      text[name] += chunk
    })
  }
  const ended = new Promise<CliResult>((done, fail) => {
    child.on('error', fail)
    child.on('close', (code, signal) => done({ code, signal, ...text }))
  })
  return { child, ended }
}

export function cli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended
}

/** stdout of a run that has to have ended well with exactly one JSON object on it. */
export async function cliJson<T = Record<string, unknown>>(args: readonly string[], options: CliOptions): Promise<T> {
  const { code, stdout, stderr } = await cli([...args, '--json'], options)
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

const root = mkdtempSync(join(tmpdir(), 'adapter-train-cli-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
/** A new folder with files in it (name -> text, or a value to be written as JSON). */
export function folderWith(files: Readonly<Record<string, unknown>> = {}): string {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

const TOPICS = 'anchor barley cobalt dragon ember falcon garnet hazel indigo jasper kelp lantern'.split(' ')
const THINGS = 'pump valve sensor filter motor relay gauge hinge'.split(' ')

/** A data set in LlamaIndex's form: document `d3` answers query `q3` (or, from `documents` on, `q3` asks for `d3 % documents`). */
export function llamaIndex(queries: number, { documents = queries, from = 0 } = {}) {
  const thing = (i: number) => `${TOPICS[i % TOPICS.length]} ${THINGS[Math.floor(i / TOPICS.length) % THINGS.length]}`
  const numbers = Array.from({ length: queries }, (_, i) => from + i)
  return {
    queries: Object.fromEntries(numbers.map(i => [`q${i}`, `how to mend the ${thing(i % documents)} case ${i}`])),
    corpus: Object.fromEntries(
      Array.from({ length: documents }, (_, i) => [`d${i}`, `Mending the ${thing(i)}. Open cover ${i}, then turn key ${i}.`]),
    ),
    relevant_docs: Object.fromEntries(numbers.map(i => [`q${i}`, [`d${i % documents}`]])),
    mode: 'text',
  }
}
