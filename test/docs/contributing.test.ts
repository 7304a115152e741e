import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertLines } from '../helpers/insert-lines.js'

/*
 * Performs CONTRIBUTING.md: in a copy of the repository, the worked examples are copied in and the lines that the page shows are added
 * to the registries; then the copy has to type-check, pass the contract suites, and know the new names on its command line.
 */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const EXAMPLES = join(ROOT, 'examples/contributing')
const PAGE = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')

/** Names of the examples, as users give them, and the fewest tests that their contracts have. */
const CONTRACTS = { letters: 12, smoothed: 19, shift: 13, counting: 40, faq: 11 } as const

/** Text of the code blocks with a comment above that says what they are, such as `<!-- file: PATH -->`. */
function blocks(marker: string): { readonly path: string; readonly text: string }[] {
  const found = PAGE.matchAll(new RegExp(`^<!-- ${marker}: (\\S+) -->\\n\`\`\`\\w+\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))
  return Array.from(found, ([, path, text]) => ({ path, text }))
}

const files = blocks('file')
const registries = blocks('registry')
const exampleFiles = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

test('CONTRIBUTING.md shows every file of the worked examples as it is', () => {
  expect(files.map(({ path }) => path).sort()).toEqual(exampleFiles.map(name => `examples/contributing/${name}`).sort())
  for (const { path, text } of files) expect(text, path).toBe(readFileSync(join(ROOT, path), 'utf8'))
})

describe('a copy of the repository with the worked examples', () => {
  const copy = mkdtempSync(join(tmpdir(), 'adapter-train-contributing-'))
  let compiled: Promise<Ended>
  let tested: Promise<Ended>
  afterAll(async () => {
    await Promise.all([compiled, tested])
    rmSync(copy, { recursive: true, force: true })
  })

  beforeAll(() => {
    const copied = ['src', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'test/contracts', 'test/helpers']
    for (const name of [...copied, 'test/adapters', 'test/losses', 'test/runtime', 'test/dataset/temporary-folder.ts']) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    cpSync(EXAMPLES, copy, { recursive: true, errorOnExist: true, force: false })
    for (const { path, text } of registries) {
      writeFileSync(join(copy, path), insertLines(readFileSync(join(copy, path), 'utf8'), text, path))
    }
    writeFileSync(
      join(copy, 'tsconfig.copy.json'),
      JSON.stringify({
        extends: './tsconfig.json',
        compilerOptions: { noEmit: false, declaration: false, rootDir: '.', outDir: 'dist' },
        include: ['src', 'test/contracts', ...exampleFiles],
        // Types of libraries take longer to read than all the rest; pages are checked with types of a browser.
        exclude: ['src/integrations', 'src/pages/browser'],
      }),
    )
    // Side by side, as together they take twice as long as the slower one.
    compiled = run(copy, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.copy.json')
    const suites = ['test/adapters/kinds.test.ts', 'test/losses/contract.test.ts', 'test/runtime/runtime.test.ts']
    const own = exampleFiles.filter(name => name.endsWith('.test.ts'))
    const names = [...Object.keys(CONTRACTS), 'is smaller than'].join('|')
    tested = run(copy, 'node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '-t', names, ...own, ...suites)
  })

  test('needs one entry a registry, with its import where the registry loads at once', () => {
    expect(registries).toHaveLength(5)
    for (const { text } of registries) {
      const added = text.split('\n').filter(line => line.startsWith('+'))
      expect(added.filter(line => !/^\+ *import \{/.test(line))).toHaveLength(1)
      expect(added.length).toBeLessThanOrEqual(2)
    }
  })

  test('type-checks', async () => {
    expect((await compiled).stdout).toBe('')
  })

  test('passes the contract suite of each, and keeps the runtime within its size', async () => {
    const { stdout, stderr } = await tested
    const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
      readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly Result[] }[]
    }
    const results = report.testResults.flatMap(file => file.assertionResults)
    const failed = results.filter(({ status }) => status === 'failed')
    expect(failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`)).toEqual([])
    expect(report.testResults.map(({ message }) => message).join(''), stderr).toBe('')
    const passed = results.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)
    for (const [name, least] of Object.entries(CONTRACTS)) {
      expect(passed.filter(title => title.includes(name)).length, name).toBeGreaterThanOrEqual(least)
    }
    expect(passed.filter(title => title.includes('is smaller than'))).toHaveLength(1)
  })

  test('trains and evaluates with all of them on its command line', async () => {
    await compiled
    // What the program asks its package for.
    cpSync(join(copy, 'package.json'), join(copy, 'dist/package.json'))
    const cwd = join(copy, 'run')
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'faq.txt'), faqText())
    const command = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(cwd, join(copy, 'dist/src/cli/main.js'), ...args)
      expect(code, stderr).toBe(0)
      return stdout
    }
    const parts = ['--base', 'letters', '--kind', 'shift', '--negatives', 'smoothed', '--engine', 'counting']
    await command('train', '--train', 'faq.txt', ...parts, '--tune', 'off', '--epochs', '2', '--out', 'shift.json')
    const adapter = JSON.parse(readFileSync(join(cwd, 'shift.json'), 'utf8'))
    expect(adapter).toMatchObject({ kind: 'shift', base: { id: 'letters@27', dimensions: 27 } })
    expect(adapter.training.options).toMatchObject({ negatives: 'smoothed', engine: 'counting' })
    expect(Object.keys(adapter.params)).toEqual(['b'])

    const data = ['--data', 'faq.txt', '--format', 'faq']
    const measured = await command('evaluate', '--base', 'letters', ...data, '--adapter', 'shift.json', '--json')
    expect(JSON.stringify(JSON.parse(measured))).toContain('ndcg@10')
    const help = (await command('train', '--help')).replace(/\s+/g, ' ')
    for (const name of Object.keys(CONTRACTS)) expect(help).toMatch(new RegExp(`\\| ${name}( \\||;|\\])`))
  })
}, 300_000)

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program with Node, without keys and other settings of the environment. */
function run(cwd: string, ...args: string[]): Promise<Ended> {
  return new Promise((done, fail) => {
    const { PATH, HOME } = process.env
    const child = spawn(process.execPath, args, { cwd, env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'pipe'] })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', chunk => {
        text[name] += chunk
      })
    }
    child.on('error', fail)
    child.on('close', code => done({ code, ...text }))
  })
}

interface Result {
  readonly fullName: string
  readonly status: string
  readonly failureMessages: readonly string[]
}

/** Forty questions in the format of the example, two for an answer. */
function faqText(): string {
  const topics = ['card', 'loan', 'PIN', 'rate', 'branch', 'fee', 'limit', 'transfer', 'savings', 'mortgage']
  const text = (topic: string, i: number) =>
    `Q: where is my ${topic} ${'abcd'[i % 4]}\nQ: ${topic}, number ${i}?\nA: All about the ${topic} in chapter ${i}.\n\n`
  return Array.from({ length: 20 }, (_, i) => text(topics[i % 10], i)).join('')
}
