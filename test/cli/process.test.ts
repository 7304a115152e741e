import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { cli, folderWith, llamaIndex, MAIN, startCli } from './cli.js'

const cwd = folderWith({ 'd.json': llamaIndex(12) })
const TRAIN = [
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
  test.each([[['--help']], [['--version']], [['evaluate', '--help']], [['--epoch', '4']]])(
    '%j loads no heavy package and no action',
    async args => {
      const scripts = await loadedScripts(args)
      expect(scripts.some(url => url.endsWith('/dist/cli/run-cli.js'))).toBe(true)
      expect(packagesIn(scripts)).toEqual([])
      expect(
        scripts.filter(url => /\/(actions|pipeline\/run-|train\/(?!defaults|recipe|schedule|grid))/.test(url)),
      ).toEqual([])
    },
  )

  test('training loads what it needs, and nothing of the other providers', async () => {
    expect(packagesIn(await loadedScripts(TRAIN))).toEqual([])
    expect(packagesIn(await loadedScripts(['embed', 'd.json']))).toEqual(['better-sqlite3'])
  })
})

describe.concurrent('the standard streams', () => {
  const sh = promisify(execFile)

  test('a reader of stdout that goes away neither stops the work nor shows a stack trace', async () => {
    const command = `"$0" "$1" --help | head -n 1; "$0" "$1" ${TRAIN.join(' ')} --out piped.json 2>err.txt | true`
    const { stdout, stderr } = await sh('sh', ['-c', command, process.execPath, MAIN], { cwd })
    expect(stdout).toBe('adapter-train [command] [options]\n')
    expect(stderr).toBe('')
    expect(readFileSync(join(cwd, 'err.txt'), 'utf8')).not.toMatch(/EPIPE|at \w+/)
    expect(readFileSync(join(cwd, 'piped.json'), 'utf8')).toContain('"format": "adapter-train/1"')
  })

  test('the streams may be closed altogether', async () => {
    const command = `exec "$0" "$1" ${TRAIN.join(' ')} --out closed.json <&- >&- 2>&-`
    await sh('sh', ['-c', command, process.execPath, MAIN], { cwd })
    expect(readFileSync(join(cwd, 'closed.json'), 'utf8')).toContain('"format": "adapter-train/1"')
  })

  test('nothing is coloured, with NO_COLOR or without, and nothing is drawn where stderr is no terminal', async () => {
    const environments: Record<string, string>[] = [{}, { NO_COLOR: '1' }, { FORCE_COLOR: '1' }]
    for (const env of environments) {
      const { stdout, stderr } = await startCli(TRAIN, { cwd, env }).ended
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
      expect(stdout + stderr).not.toMatch(/[\x1b\r█]/)
    }
  })
})
