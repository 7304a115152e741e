import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { type FakeServices, startFakeServices } from './fake-services.js'
import { blocksOf, PAGES, ROOT } from './pages.js'
import { compilePython, RUN, runBlock, stopServer } from './run-block.js'
import { makeSandbox, makeTemplate } from './sandbox.js'
import { checkTypes } from './typescript-blocks.js'

/** Blocks that another test runs, and holds to more than to end well. */
const RUN_BY: Readonly<Record<string, { readonly test: string; readonly languages: readonly string[] }>> = {
  'docs/convert.md': { test: 'test/cli/convert.test.ts', languages: RUN },
  'docs/runtime.md': { test: 'test/cli/convert.test.ts', languages: RUN },
  'docs/production.md': { test: 'test/docs/production.test.ts', languages: ['ts'] },
}

/** Why a block may be left alone, and how many are. */
const REASONS =
  /^needs (a GPU|Docker|the network|a file of your own|Python with .+)$|^takes .*\b(minutes|hours)\b|^part of .+/
const NOT_RUN = 1

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
  const pages = PAGES.filter(page => blocksOf(page).some(({ language }) => runnable(language)))
  test.each(pages)(
    'of %s run in their order, and print what the page shows',
    page => inTurn(() => runPage(page)),
    300_000,
  )

  test('in TypeScript and JavaScript pass the type checker against the built package', async () => {
    const written = blocks.filter(({ language, notRun }) => ['ts', 'js', 'mjs'].includes(language) && !notRun)
    expect(written.length).toBeGreaterThan(0)
    expect(await inTurn(() => checkTypes(written, join(root, 'types')))).toBe('')
  }, 300_000)
})

async function runPage(page: string): Promise<void> {
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

  test('sees figures that are off and lines that are gone, but no times and no small differences', () => {
    const printed = 'chosen  c 30 in 9.3 s\nndcg@10   0.4388   0.5370   <0.001\n'
    expect(missingLines('chosen  c 30 in 41.0 s\nndcg@10  0.4390  0.5361  <0.001', printed)).toEqual([])
    expect(missingLines('ndcg@10  0.4388  0.6370  <0.001\nmrr@10  0.4', printed)).toHaveLength(2)
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

  test('of Python compile', () => {
    for (const { code, place, language } of blocks) if (language === 'python') compilePython(code, place)
  })

  test('have a language that is run, parsed, or plain text', () => {
    const known = [...RUN, 'json', 'jsonl', 'yaml', 'text', 'html', 'css', 'dockerfile', '']
    expect(blocks.filter(({ language }) => !known.includes(language)).map(({ place }) => place)).toEqual([])
  })

  test('that are not run say why, and are few', () => {
    const left = blocks.filter(({ notRun }) => notRun !== undefined)
    expect(
      left.filter(({ notRun }) => !REASONS.test(notRun!)).map(({ place, notRun }) => `${place} ${notRun}`),
    ).toEqual([])
    expect(left.map(({ place, notRun }) => `${place} ${notRun}`)).toHaveLength(NOT_RUN)
  })

  test('show what a command prints only right behind it', () => {
    const lonely = PAGES.flatMap(page =>
      blocksOf(page).filter(
        ({ language }, i, all) => language === '' && !(all[i - 1] && runnable(all[i - 1].language)),
      ),
    )
    expect(lonely.map(({ place }) => `${place}: label it text, or put it behind its command`)).toEqual([])
  })
})

/** A line without its numbers, whose width changes with them. */
const shape = (line: string): string =>
  line
    .replace(/[<=]?\s*[-+]?\d[\d,]*(\.\d+)?/g, ' #')
    .replace(/\s+/g, ' ')
    .trim()
const numbers = (line: string): number[] => (line.match(/[-+]?\d+(\.\d+)?/g) ?? []).map(Number)

/** Lines of a page that no line of the output has the shape of, or whose figures are all far from it. Times do not count. */
function missingLines(shown: string, printed: string): string[] {
  const lines = printed.split('\n')
  return shown.split('\n').filter(line => {
    const alike = lines.filter(other => shape(other) === shape(line))
    return !alike.some(other => {
      const theirs = numbers(other)
      return / s$/.test(line) || numbers(line).every((n, i) => Math.abs(n - theirs[i]) <= 0.02 + 0.1 * Math.abs(n))
    })
  })
}
