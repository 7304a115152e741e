import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { FORMAT_NAMES } from '../../src/convert/formats/index.js'
import { pythonWith, runPython } from '../helpers/python.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'
import { cli, cliJson, folderWith } from './cli.js'

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const adapter = sampleAdapter('linear', 64)

function folderWithAdapter(): string {
  const cwd = folderWith()
  saveAdapter(adapter, join(cwd, 'adapters', 'finance.json'))
  return cwd
}

describe.concurrent('convert', () => {
  test('writes a file and a folder, says what, and reads them back', async () => {
    const cwd = folderWithAdapter()
    const { stdout, code } = await cli(['convert', 'adapters/finance.json', 'out', '--format', 'llamaindex'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^read {5}adapters\/finance\.json \(json\): linear, 64 dimensions, base openai\/.*\nwritten {2}out\/config\.json \(\d+ bytes\)\nwritten {2}out\/pytorch_model\.bin/,
    )
    const report = await cliJson(['convert', 'out', 'back.json'], { cwd })
    expect(report).toMatchObject({ from: 'llamaindex', to: 'json', kind: 'linear', files: [{ path: 'back.json' }] })
    expect(loadAdapter(join(cwd, 'back.json'))).toEqual(adapter)
  })

  test('--dtype f16 reports what rounding costs', async () => {
    const cwd = folderWithAdapter()
    const args = ['convert', 'adapters/finance.json', 'x.safetensors', '--dtype', 'f16']
    expect((await cli(args, { cwd })).stdout).toMatch(/^rounded {2}worst 1 - cosine of 256 random queries \d\.\de-\d+$/m)
    expect(await cliJson(args, { cwd })).toMatchObject({ worstCosineError: expect.any(Number) })
  })

  test.each([
    [['adapters/finance.json', 'out.bin'], 2, /out\.bin: unknown format of this name. Add --format/],
    [['adapters/finance.json', 'out', '--format', 'tflite'], 2, /tflite/],
    [['adapters/finance.json', 'x.onnx', '--dtype', 'f16'], 2, /onnx expected F32, found F16/],
    [['adapters/finance.json'], 2, /output/],
    [['adapters/finance.json', 'adapters/finance.json'], 2, /would overwrite the input adapters\/finance\.json; name another/],
    [['adapters/finance.json', './adapters/finance.json', '--format', 'card'], 2, /would overwrite the input/],
    [['none.json', 'x.onnx'], 1, /none\.json does not exist/],
    [['adapters', 'x.onnx'], 1, /adapters is not an adapter in a supported format/],
  ] as const)('%j fails', async (args, code, message) => {
    const result = await cli(['convert', ...args], { cwd: folderWithAdapter() })
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })

  test('--help names every format', async () => {
    const { stdout } = await cli(['convert', '--help'], { cwd: folderWith() })
    for (const format of FORMAT_NAMES) expect(stdout).toContain(format)
  })
})

interface Snippet {
  readonly language: string
  readonly code: string
  readonly title: string
}

/** The code blocks of a document, each named by the heading above it. */
function snippetsOf(document: string): Snippet[] {
  const text = readFileSync(root(`docs/${document}`), 'utf8')
  const snippets: Snippet[] = []
  let heading = ''
  for (const [, title, language, code] of text.matchAll(/^#+ (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (title) heading = title
    else snippets.push({ language, code, title: `${document}, ${heading}: ${language} ${snippets.length}` })
  }
  return snippets
}

describe('the snippets of the documents', () => {
  const snippets = ['convert.md', 'runtime.md'].flatMap(snippetsOf)
  const expected = applyAdapter(adapter, Array<number>(64).fill(0.5))
  let cwd: string
  // Inside the project, so that the snippets find its packages.
  let scripts: string

  beforeAll(async () => {
    cwd = folderWithAdapter()
    const cache = root('node_modules/.cache')
    mkdirSync(cache, { recursive: true })
    scripts = mkdtempSync(join(cache, 'snippets-'))
    const commands = snippets.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'))
    // In the order of the document, but for the import, whose folder is written further down.
    for (const command of commands.sort((a, b) => Number(a.includes('--base-id')) - Number(b.includes('--base-id')))) {
      const [program, ...words] = command.split(' ')
      expect(program).toBe('adapter-train')
      if (command.includes('--base-id')) rmSync(join(cwd, words[1], 'adapter-train.json'))
      const { code, stderr } = await cli(words, { cwd })
      expect(code, `${command}: ${stderr}`).toBe(0)
    }
    expect(loadAdapter(join(cwd, 'adapters/again.json'))).toEqual(adapter)
    expect(loadAdapter(join(cwd, 'adapters/imported.json')).base.id).toBe('openai/text-embedding-3-small')
    // The import took away what the other snippets may read.
    await cli(['convert', 'adapters/finance.json', 'finance-llamaindex', '--format', 'llamaindex'], { cwd })
  }, 180_000)
  afterAll(() => rmSync(scripts, { recursive: true, force: true }))

  function check(printed: string, title: string): void {
    const found: number[] = JSON.parse(printed)
    const tolerance = title.includes('f16') ? 5e-3 : 1e-5
    expect(found).toHaveLength(64)
    expect(Math.max(...found.map((x, i) => Math.abs(x - expected[i])))).toBeLessThan(tolerance)
  }

  const typescript = snippets.filter(({ language }) => language === 'ts')
  test('are there for every format', () => {
    expect(typescript.length).toBe(7)
    expect(snippets.filter(({ language }) => language === 'python').length).toBe(7)
  })

  test.each(typescript)('$title', async ({ code, title }) => {
    const script = join(scripts, `${typescript.findIndex(snippet => snippet.title === title)}.mjs`)
    await build({
      stdin: { contents: code, loader: 'ts', resolveDir: root('.') },
      outfile: script,
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      alias: {
        'adapter-train': root('dist/index.js'),
        'adapter-train/convert': root('dist/entries/convert.js'),
        'adapter-train/runtime': root('src/runtime/index.ts'),
      },
      external: [root('dist/*')],
    })
    check(execFileSync(process.execPath, [script], { cwd, encoding: 'utf8' }), title)
  })

  for (const { code, title } of snippets.filter(({ language }) => language === 'python')) {
    const modules = [...code.matchAll(/^(?:import|from) (\w+(?:\.\w+)*)/gm)].map(([, name]) => name)
    const python = pythonWith(...modules)
    test.skipIf(python === undefined)(`${title} (${modules.join(', ')})`, () => {
      check(runPython(python as string, code, [], cwd), title)
    })
  }
})
