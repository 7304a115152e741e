import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Options } from 'yargs'
import { COMMANDS, DEFAULT_COMMAND } from '../../src/cli/commands/index.js'
import { COMMON_OPTIONS } from '../../src/cli/help.js'
import { checkChunkOptions } from '../../src/documents/chunk.js'
import * as convert from '../../src/entries/convert.js'
import * as data from '../../src/entries/data.js'
import * as evaluate from '../../src/entries/evaluate.js'
import * as generate from '../../src/entries/generate.js'
import * as train from '../../src/entries/train.js'
import * as library from '../../src/index.js'
import * as aiSdk from '../../src/integrations/ai-sdk.js'
import * as chroma from '../../src/integrations/chroma.js'
import * as langchain from '../../src/integrations/langchain.js'
import * as llamaindex from '../../src/integrations/llamaindex.js'
import * as openai from '../../src/integrations/openai.js'
import * as runtime from '../../src/runtime/index.js'
import * as serve from '../../src/serve/index.js'
import { SERVE_DEFAULTS } from '../../src/serve/options.js'
import { blocksOf, PAGES, proseOf, ROOT, textOf } from './pages.js'

/** Options of a command, with those of every command, by every name. */
const optionsOf = (command: string) => {
  const own = Object.entries<Options>({ ...COMMON_OPTIONS, ...COMMANDS[command].options })
  return new Map(
    own.flatMap(([name, option]) => [
      ...[name, ...[option.alias ?? []].flat()].map(each => [each, option] as const),
      ...(option.type === 'boolean' ? [[`no-${name}`, option] as const] : []),
    ]),
  )
}
const ALL = Object.keys(COMMANDS).map(optionsOf)
const isOption = (name: string): boolean => ALL.some(options => options.has(name))

/** Options of other programs: our own benchmarks, and what a page may say of npm. */
const BENCH = readdirSync(join(ROOT, 'bench'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.mjs'))
  .map(name => readFileSync(join(ROOT, 'bench', name), 'utf8'))
  .join('')
const isBenchOption = (name: string): boolean =>
  new RegExp(`--${name}\\b`).test(BENCH) || new RegExp(`^ *'?${name}'?[:,]`, 'm').test(BENCH)

/** The command line in a piece of code, as its command's name and the options given to it. */
function commandIn(code: string): { command: string; options: string[] } | undefined {
  const [, first] = /^(?:npx )?adapter-train (\S+)/.exec(code) ?? []
  if (first === undefined) return undefined
  const command = first.startsWith('-') ? DEFAULT_COMMAND : first
  const plain = code.replace(/'[^']*'|"[^"]*"/g, ' ').replace(/ #.*/, '')
  return { command, options: namesIn(plain) }
}
const namesIn = (text: string): string[] => [...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, name]) => name)
const inlineCode = (page: string): string[] => [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code)

describe('options in the prose', () => {
  test.each(PAGES)('of %s exist', page => {
    const unknown = inlineCode(page).flatMap(code => {
      if (/^(docker|apt-get|pip|npm install|npx (?!adapter)|git|python)/.test(code)) return []
      if (page.startsWith('bench/') || /^(npm run bench|node bench)/.test(code)) {
        return namesIn(code).filter(name => !isOption(name) && !isBenchOption(name))
      }
      const line = commandIn(code)
      if (line === undefined) return namesIn(code).filter(name => !isOption(name) && name !== 'no-')
      if (/^([A-Z]+|\.{3})$/.test(line.command)) return line.options.filter(name => !isOption(name))
      if (COMMANDS[line.command] === undefined) return [line.command]
      return line.options.filter(name => !optionsOf(line.command).has(name))
    })
    expect([...new Set(unknown)]).toEqual([])
  })

  test.each(PAGES)('of blocks of %s that no test runs exist', page => {
    const lines = blocksOf(page)
      .filter(({ notRun, language }) => notRun !== undefined && language === 'sh')
      .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
    const unknown = lines.flatMap(line => {
      const found = commandIn(line)
      return found === undefined ? [] : found.options.filter(name => !optionsOf(found.command).has(name))
    })
    expect(unknown).toEqual([])
  })
})

/** Defaults of an option, of whatever command, as words of the registry. */
function defaultsOf(name: string): string[] {
  return ALL.flatMap(options => {
    const option = options.get(name)
    if (option === undefined) return []
    const said = /\(default: ([^)]*)\)/.exec(String(option.describe))?.[1] ?? ''
    return [String(option.default), ...said.split(/[;,]| with | above /).map(word => word.trim())]
  })
}

/** Sizes that depend on more than the option, from their own constants' files. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  size: ['low-rank', 'residual-mlp'].map(kind => {
    const source = readFileSync(join(ROOT, `src/adapters/${kind}.ts`), 'utf8')
    return /^const [A-Z]+ = (\d+)$/m.exec(source)![1]
  }),
  // Of `serve` with a remote provider.
  concurrency: [String(SERVE_DEFAULTS.concurrency)],
}

describe('defaults in the prose', () => {
  const STATED = /`--([a-z-]+)[^`\n]*`(?:,| \w+)? (?:\((\d[\d.,]*)(?:MiB| s)?[,;)]|(\d[\d.,]*) by default)/g

  test('are found', () => {
    expect(PAGES.flatMap(page => proseOf(page).match(STATED) ?? []).length).toBeGreaterThan(8)
  })

  test.each(PAGES)('of %s are those of the registry', page => {
    const wrong = [...proseOf(page).matchAll(STATED)].flatMap(([text, name, inBrackets, byDefault]) => {
      const value = (inBrackets ?? byDefault).replace(/,(?=\d{3})/g, '').replace(/[.,]$/, '')
      const known = [...defaultsOf(name), ...(ELSEWHERE[name] ?? [])].map(each => each.replace(/MiB$/, ''))
      return known.includes(value) ? [] : [`${text}: expected one of ${known.join(', ')}`]
    })
    expect(wrong).toEqual([])
  })
})

/** Rows of the tables whose header has these cells. */
function tableRows(page: string, header: string): string[][] {
  const lines = textOf(page).split('\n')
  return lines.flatMap((line, at) => {
    if (line !== header) return []
    const end = lines.findIndex((other, j) => j > at && !other.startsWith('|'))
    const rows = lines.slice(at + 2, end < 0 ? undefined : end)
    return rows.map(row =>
      row
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim().replaceAll('`', '')),
    )
  })
}

test('the table of chunk options says the defaults', () => {
  const rows = tableRows('docs/documents.md', '| option | default | meaning |')
  const said = Object.fromEntries(rows.map(([option, value]) => [option, value]))
  const { maxTokens, overlap, minTokens } = checkChunkOptions({})
  expect(said.maxTokens).toBe(String(maxTokens))
  expect(said.overlap).toBe(`${overlap}, at most a fifth of maxTokens`)
  expect(minTokens / maxTokens).toBe(1 / 8)
  expect(said.minTokens).toBe('an eighth of maxTokens')
})

describe('functions in the prose', () => {
  const parts = [data, generate, train, evaluate, convert, runtime, serve]
  const entries = [library, ...parts, chroma, aiSdk, langchain, llamaindex, openai]
  const exported = new Set(entries.flatMap(entry => Object.keys(entry)))
  test.each(PAGES)('of %s are exported', page => {
    const called = inlineCode(page).flatMap(code => /^([a-z]\w+)\(/.exec(code)?.[1] ?? [])
    expect(called.filter(name => !exported.has(name) && !FOREIGN.includes(name))).toEqual([])
  })
})

/** Of the AI SDK. */
const FOREIGN = ['wrapEmbeddingModel']
