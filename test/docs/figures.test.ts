import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS, DEFAULT_COMMAND } from '../../src/cli/commands/index.js'
import { PRESETS, type Preset } from '../../src/providers/presets.js'
import { PRICES, PRICES_DATE } from '../../src/providers/prices.js'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]
const REGISTER = 'docs/reproducibility.md'

/** Tables of numbers that are not measured; a test below holds them to the code. */
const FROM_CODE = ['docs/training.md#nothing-has-to-be-chosen', 'docs/providers.md#prices']

interface Table {
  /** `docs/x.md#heading` */
  readonly place: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')
const cellsOf = (line: string): string[] =>
  line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim())
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')

function tablesOf(page: string): Table[] {
  const lines = textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .split('\n')
  const tables: Table[] = []
  let anchor = ''
  for (let i = 0; i < lines.length; i++) {
    const [, heading] = /^#+ (.+)$/.exec(lines[i]) ?? []
    if (heading !== undefined) anchor = anchorOf(heading)
    if (!/^\|(\s*:?-+:?\s*\|)+$/.test(lines[i])) continue
    const rows: string[][] = []
    for (let j = i + 1; lines[j]?.startsWith('|'); j++) rows.push(cellsOf(lines[j]))
    tables.push({ place: `${page}#${anchor}`, head: cellsOf(lines[i - 1]), rows })
  }
  return tables
}

/** A figure with digits behind the point, and at most a unit and a remark: `.490`, `+0.02`, `2.0x`, `0.4 MB`, `.283 (gated)`. */
const isMeasured = (cell: string): boolean => /^\**[-+]?\d*\.\d+(x| [A-Za-z]+)?\**( \([^)]*\))?( (\/|to) .*)?$/.test(cell)

const results = PAGES.flatMap(tablesOf).filter(({ rows }) => rows.flat().filter(isMeasured).length >= 2)

/** `docs/x.md#heading` for each link of the register. */
const registered = new Set(
  [...textOf(REGISTER).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) =>
    target.startsWith('#') ? `${REGISTER}${target}` : posix.join('docs', target),
  ),
)

test('tables of figures are found', () => {
  expect(results.length).toBeGreaterThan(8)
})

test.each([...new Set(results.map(({ place }) => place))].filter(place => !FROM_CODE.includes(place)))(
  `the figures of %s are in ${REGISTER}`,
  place => {
    expect([...registered]).toContain(place)
  },
)

describe(`the register of ${REGISTER}`, () => {
  const { rows } = tablesOf(REGISTER).find(({ head }) => head[0] === 'figures')!
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }

  test.each(rows.map(row => [row[1], row] as const))('has a command that exists: %s', (cell, [, , measured, needs]) => {
    const [, command] = /^`([^`]+)`/.exec(cell)!
    const [program, ...words] = command.split(' ')
    if (program === 'npm') {
      expect(words[0]).toBe('run')
      expect(scripts).toHaveProperty([words[1]])
    } else {
      expect(program).toBe('adapter-train')
      const { options } = COMMANDS[words[0].startsWith('-') ? DEFAULT_COMMAND : words[0]]
      for (const [, name] of command.matchAll(/ --(?:no-)?([a-z-]+)/g)) expect(options).toHaveProperty([name])
    }
    expect(measured).toMatch(/^20\d\d-\d\d-\d\d$/)
    expect(needs).not.toBe('')
  })
})

describe('tables that come from the code', () => {
  const tableAt = (place: string, head: string): Table => {
    const [page] = place.split('#')
    return tablesOf(page).find(table => table.place === place && table.head[0] === head)!
  }

  test('have the prices that estimates use, and their date', () => {
    const { rows } = tableAt('docs/providers.md#prices', 'model')
    const ofPresets = Object.entries<Preset>(PRESETS).flatMap(([name, { models = {} }]) =>
      Object.entries(models).flatMap(([model, { price }]) => (price === undefined ? [] : [[`${name}/${model}`, price] as const])),
    )
    expect(new Map(rows.map(([model, price]) => [model, Number(price)]))).toEqual(new Map([...PRICES, ...ofPresets]))
    expect(textOf('docs/providers.md')).toContain(PRICES_DATE)
  })
})
