import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.js'
import { cli, folderWith, llamaIndex, MAIN, startCli } from './cli.js'

const cwd = folderWith({ 'd.json': llamaIndex(12) })
const TRAIN = [
  '--base',
  'hashing',
  '--train',
  'd.json',
  '--dimensions',
  '16',
  '--epochs',
  '1',
  '--tune',
  'off',
  '--cache',
  'none',
  '--engine',
  'js',
]

const BOLD = '\x1b[1m'
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const COLOUR = /\x1b\[\d+m/
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const CLEARED = /\r\x1b\[K[^█░]*\r?$/

/** Scripts that a run loaded, native or not, as V8 lists them for its coverage report. */
async function loadedScripts(args: readonly string[]): Promise<string[]> {
  const folder = folderWith()
  await cli(args, { cwd, env: { NODE_V8_COVERAGE: folder } })
  const [report] = readdirSync(folder)
  return JSON.parse(readFileSync(join(folder, report), 'utf8')).result.map(({ url }: { url: string }) => url)
}

const HEAVY = [
  ...['better-sqlite3', 'openai', 'cohere-ai', '@huggingface/transformers', 'onnxruntime-node', 'onnxruntime-common'],
  ...['gpt-tokenizer', 'csv-parse', 'webgpu', '@tensorflow/tfjs-core'],
]
const packagesIn = (scripts: readonly string[]) =>
  HEAVY.filter(name => scripts.some(url => url.includes(`/node_modules/${name}/`)))

describe.concurrent('what is loaded', () => {
  const helps = Object.keys(COMMANDS).map(name => [name, '--help'])
  test.each([[['--help']], [['--version']], [['--epoch', '4']], ...helps.map(words => [words])])(
    '%j loads no heavy package and no action',
    async args => {
      const scripts = await loadedScripts(args)
      expect(scripts.some(url => url.endsWith('/dist/cli/run-cli.js'))).toBe(true)
      expect(packagesIn(scripts)).toEqual([])
      expect(scripts.filter(url => url.endsWith('.node') || (args.includes('--help') && url.includes('/yargs/')))).toEqual([])
      expect(scripts.filter(url => /\/(actions|pipeline\/run-|train\/(?!options|schedule))/.test(url))).toEqual([])
    },
  )

  test('training loads what it needs, and nothing of the other providers', async () => {
    expect(packagesIn(await loadedScripts(TRAIN))).toEqual([])
    expect(packagesIn(await loadedScripts(['embed', '--base', 'hashing', 'd.json']))).toEqual(['better-sqlite3'])
  })
})

describe.concurrent('the standard streams', () => {
  const sh = promisify(execFile)

  /** What a run writes to a terminal of its own. */
  async function onTerminal(args: readonly string[], setting: string): Promise<string> {
    const command = `env -u NO_COLOR -u FORCE_COLOR ${setting} '${process.execPath}' '${MAIN}' ${args.join(' ')}`
    const { stdout } = await sh('script', ['-qec', command, '/dev/null'], { cwd })
    return stdout
  }

  test('a reader of stdout that goes away neither stops the work nor shows a stack trace', async () => {
    const command = `"$0" "$1" --help | head -n 1; "$0" "$1" ${TRAIN.join(' ')} --out piped.json 2>err.txt | true`
    const { stdout, stderr } = await sh('sh', ['-c', command, process.execPath, MAIN], { cwd })
    expect(stdout).toBe('Usage: adapter-train [command] [options]\n')
    expect(stderr).toBe('')
    expect(readFileSync(join(cwd, 'err.txt'), 'utf8')).not.toMatch(/EPIPE|^ +at \w/m)
    expect(readFileSync(join(cwd, 'piped.json'), 'utf8')).toContain('"format": "adapter-train/1"')
  })

  test('the streams may be closed altogether', async () => {
    const command = `exec "$0" "$1" ${TRAIN.join(' ')} --out closed.json <&- >&- 2>&-`
    await sh('sh', ['-c', command, process.execPath, MAIN], { cwd })
    expect(readFileSync(join(cwd, 'closed.json'), 'utf8')).toContain('"format": "adapter-train/1"')
  })

  test.each<[Record<string, string>, string[]]>([
    [{}, []],
    [{ NO_COLOR: '1' }, []],
    [{ FORCE_COLOR: '1' }, ['--no-color']],
    [{ FORCE_COLOR: '1' }, ['--json']],
    [{}, ['--color', '--json', '--verbose']],
  ])('with %j and %j nothing is coloured, and nothing is drawn where stderr is no terminal', async (env, more) => {
    const { stdout, stderr } = await startCli([...TRAIN, ...more], { cwd, env }).ended
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
    expect(stdout + stderr).not.toMatch(/[\x1b\r█]/)
    expect(stdout).toContain('base')
  })

  test.each<[Record<string, string>, string[]]>([
    [{ FORCE_COLOR: '1' }, []],
    [{ NO_COLOR: '1' }, ['--color']],
  ])('with %j and %j heads are bold also in a pipe', async (env, more) => {
    const { stdout } = await startCli([...TRAIN, ...more], { cwd, env }).ended
    expect(stdout).toContain(`${BOLD}metric `)
  })

  test.each([
    ['FORCE_COLOR=0', []],
    ['NO_COLOR=1', []],
    ['TERM=dumb', []],
    ['TERM=xterm', ['--no-color']],
  ])('on a terminal, %s %j gives no colours', async (setting, more) => {
    expect(await onTerminal([...TRAIN, ...more], setting)).not.toMatch(COLOUR)
  })

  test('on a terminal, heads are bold, and the bar is cleared before any other line', async () => {
    const screen = await onTerminal(TRAIN, 'TERM=xterm')
    expect(screen).toContain(`${BOLD}metric `)
    expect(screen).toContain('█')
    for (const line of screen.split('\n')) {
      const drawn = line.lastIndexOf('█')
      // What follows a bar on its line is another state of it, or comes after the line was cleared.
      if (drawn >= 0) expect(line.slice(drawn)).toMatch(CLEARED)
    }
  })
})
