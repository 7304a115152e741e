import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { pythonWith } from '../helpers/python.js'
import { type FakeServices, startFakeServices } from './fake-services.js'
import { blocksOf, PAGES, ROOT } from './pages.js'
import { compilePython, NoPython, RUN, runBlock, stopServer } from './run-block.js'
import { makeSandbox, makeTemplate } from './sandbox.js'
import { checkTypes } from './typescript-blocks.js'

/** Blocks that another test runs, and holds to more than to end well. */
const RUN_BY: Readonly<Record<string, { readonly test: string; readonly languages: readonly string[] }>> = {
  'docs/convert.md': { test: 'test/cli/convert.test.ts', languages: RUN },
  'docs/runtime.md': { test: 'test/cli/convert.test.ts', languages: RUN },
  'docs/production.md': { test: 'test/docs/production.test.ts', languages: ['ts'] },
}

/** Why a block may be left alone, and how many are. */
const REASONS = /^needs (a GPU|Docker|the network|a file of your own|Python with .+)$|^takes .*\b(minutes|hours)\b|^part of .+/
const NOT_RUN = 2

/** Pages without a block that runs; every other page has one. */
const WITHOUT_RUN = [
  'docs/commands.md',
  'docs/how-it-compares.md',
  'docs/performance.md',
  'docs/real-models.md',
  'examples/data/README.md',
]

const blocks = PAGES.flatMap(page => blocksOf(page))
const runnable = (language: string): boolean => (RUN as readonly string[]).includes(language)
const root = mkdtempSync(join(tmpdir(), 'adapter-train-docs-'))

/** Pages at once: what they train takes two threads each. */
const SLOTS = 2
const waiting: (() => void)[] = []
let free = SLOTS
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free--
  else await new Promise<void>(go => waiting.push(go))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}

let services: FakeServices
const template = join(root, 'template')
beforeAll(async () => {
  await makeTemplate(template)
  services = await startFakeServices()
})
afterAll(async () => {
  await services.close()
  rmSync(root, { recursive: true, force: true })
})

describe.concurrent('the snippets', () => {
  test.for(PAGES.filter(page => !WITHOUT_RUN.includes(page)))(
    'of %s run in their order, and print what the page shows',
    { timeout: 600_000 },
    (page, { skip }) =>
      inTurn(() => runPage(page)).catch(error => {
        if (error instanceof NoPython) skip(error.message)
        throw error
      }),
  )

  test('in TypeScript and JavaScript pass the type checker against the built package', async () => {
    const written = blocks.filter(({ language, notRun }) => ['ts', 'js', 'mjs'].includes(language) && !notRun)
    expect(written.length).toBeGreaterThan(0)
    expect(await inTurn(() => checkTypes(written, join(root, 'types')))).toBe('')
  }, 300_000)
})

async function runPage(page: string): Promise<void> {
  expect(blocksOf(page).filter(({ language }) => runnable(language))).not.toEqual([])
  const cwd = join(root, page.replace(/\W+/g, '-'))
  mkdirSync(cwd)
  const sandbox = await makeSandbox(cwd, template, services.url)
  let printed = ''
  try {
    for (const block of blocksOf(page)) {
      if (block.notRun !== undefined || RUN_BY[page]?.languages.includes(block.language)) printed = ''
      else if (runnable(block.language)) printed = await runBlock(block, sandbox)
      else if (block.language === '' && printed !== '') {
        expect(missingLines(block.code, printed), `${block.place}: lines that are not in\n${printed}`).toEqual([])
      }
    }
  } finally {
    stopServer(sandbox)
  }
}

describe('what holds the pages', () => {
  test('stops at a command that fails, and names its place', async () => {
    const cwd = join(root, 'failing')
    mkdirSync(cwd)
    const sandbox = await makeSandbox(cwd, template, services.url)
    const [block] = blocksOf('a page', 'before\n\n```sh\nadapter-train inspect missing.json\necho on\n```\n')
    await expect(runBlock(block, sandbox)).rejects.toThrow(/^a page:3 ended with 1:\n[\s\S]*missing\.json/)
  })

  test('sees every figure that differs and every line that is gone; only times and the width of columns are free', () => {
    const printed = 'chosen  c 30 in 9.3 s\nndcg@10   0.4388   0.5370   <0.001\n'
    expect(missingLines('chosen  c 30 in 41.0 s\nndcg@10  0.4388  0.5370  <0.001', printed)).toEqual([])
    expect(missingLines('chosen  c 31 in 9.3 s\nndcg@10  0.4389  0.5370  <0.001\nmrr@10  0.4', printed)).toHaveLength(3)
  })

  test.each(WITHOUT_RUN)('expects no block that runs in %s alone', page => {
    expect(PAGES).toContain(page)
    expect(blocksOf(page).filter(({ language }) => runnable(language))).toEqual([])
  })

  test.each(Object.entries(RUN_BY))('knows who runs the blocks of %s instead', (page, by) => {
    expect(readFileSync(join(ROOT, by.test), 'utf8')).toContain(basename(page))
  })
})

describe('the blocks', () => {
  test.each(blocks.filter(({ language }) => language === 'json').map(({ place, code }) => [place, code]))(
    'of JSON parse: %s',
    (_, code) => {
      expect(() => JSON.parse(code)).not.toThrow()
    },
  )

  test.each(blocks.filter(({ language }) => language === 'jsonl').map(({ place, code }) => [place, code]))(
    'of JSON Lines parse: %s',
    (_, code) => {
      for (const line of code.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
    },
  )

  test('of YAML parse', () => {
    for (const { code, language } of blocks) if (language === 'yaml') expect(() => parseYaml(code)).not.toThrow()
  })

  test('of Python compile', ({ skip }) => {
    const programs = blocks.filter(({ language }) => language === 'python')
    expect(programs.length).toBeGreaterThan(0)
    const python = pythonWith('sys') ?? skip('needs Python')
    for (const { code, place } of programs) compilePython(python, code, place)
  })

  test('have a language that is run, parsed, or plain text', () => {
    const known = [...RUN, 'json', 'jsonl', 'yaml', 'text', 'html', 'css', 'dockerfile', '']
    expect(blocks.filter(({ language }) => !known.includes(language)).map(({ place }) => place)).toEqual([])
  })

  test('that are not run say why, and are few', () => {
    const left = blocks.filter(({ notRun }) => notRun !== undefined)
    expect(left.filter(({ notRun }) => !REASONS.test(notRun!)).map(({ place, notRun }) => `${place} ${notRun}`)).toEqual([])
    expect(left.map(({ place, notRun }) => `${place} ${notRun}`)).toHaveLength(NOT_RUN)
  })

  test('show what a command prints only right behind it', () => {
    const lonely = PAGES.flatMap(page =>
      blocksOf(page).filter(({ language }, i, all) => language === '' && !(all[i - 1] && runnable(all[i - 1].language))),
    )
    expect(lonely.map(({ place }) => `${place}: label it text, or put it behind its command`)).toEqual([])
  })
})

/** A line without what may differ: times, and the width of its columns. */
const plain = (line: string): string =>
  line
    .replace(/\b\d[\d.]* ?(ms|s|min)\b/g, '# $1')
    .replace(/\s+/g, ' ')
    .trim()

/** Lines of a page that the output does not have, figure by figure. */
function missingLines(shown: string, printed: string): string[] {
  const lines = new Set(printed.split('\n').map(plain))
  return shown.split('\n').filter(line => !lines.has(plain(line)))
}
