import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { COMMANDS, DEFAULT_COMMAND } from '../../src/cli/commands/index.js'
import { findCommand } from '../../src/cli/find-command.js'
import { COMMON_OPTIONS } from '../../src/cli/help.js'
import { DEFAULT_ROWS } from '../../src/cli/options/training-options.js'
import { parseArgs } from '../../src/cli/parse-args.js'

const ROOT = resolve(import.meta.dirname, '../..')
const OPTIONS = Object.fromEntries(Object.entries(COMMANDS).map(([name, { options }]) => [name, options]))

const script = pathToFileURL(join(ROOT, 'scripts/write-commands-reference.mjs')).href
const { commandsReference, withDefaultsTable } = (await import(script)) as {
  commandsReference(commands: object, common: object, byDefault: string): string
  withDefaultsTable(page: string, rows: readonly (readonly string[])[]): string
}

const page = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8')

test('docs/commands.md is what npm run docs:commands writes', () => {
  expect(page).toBe(commandsReference(COMMANDS, COMMON_OPTIONS, DEFAULT_COMMAND))
})

test('docs/training.md has the table of defaults that npm run docs:commands writes', () => {
  const training = readFileSync(join(ROOT, 'docs/training.md'), 'utf8')
  expect(DEFAULT_ROWS).toContainEqual(['`--learning-rate`', '0.01', '0.001'])
  expect(training).toBe(withDefaultsTable(training, DEFAULT_ROWS))
})

describe.each(Object.entries(COMMANDS))('the section of %s', (name, { options, examples }) => {
  const section = page.split(/^## /m).find(text => text.startsWith(`${name}\n`)) ?? ''

  test('names every option', () => {
    const everywhere = page.split('## Every command')[1]
    const unnamed = Object.entries(options).filter(
      ([option, { hidden }]) => !hidden && !new RegExp(`\`--${option}[\` ]`).test(section + everywhere),
    )
    expect(unnamed.map(([option]) => option)).toEqual([])
  })

  test.each(examples.map(([words]) => words))('has an example that the command line takes: %s', async words => {
    expect(section).toContain(`adapter-train ${words.replaceAll('|', '\\|')}`)
    const { command, args } = findCommand(splitWords(words.replace(/ [<>] .*$/, '')), OPTIONS)
    expect(command ?? DEFAULT_COMMAND).toBe(name)
    await expect(parseArgs(args, command, () => ({}))).resolves.toBeTypeOf('object')
  })
})

/** As a shell splits them, for words without escapes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare)
}
