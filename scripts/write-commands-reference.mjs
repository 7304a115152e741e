// npm run docs:commands
//
// Writes docs/commands.md from the registry of commands, so that the page says what --help says, and the table of defaults in
// docs/training.md from the table of training options.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'

/** Groups of options that many commands have: a section of their own, and a line with their names in each command. */
const SHARED_GROUPS = ['Embedding model', 'Batch API']
const EVERYWHERE = 'Every command'
const OWN = 'Options'

/**
 * The page.
 *
 * @param {Record<string, object>} commands the registry, by name
 * @param {Record<string, object>} common options that every command has besides its own
 * @param {string} byDefault name of the command where none is named
 */
export function commandsReference(commands, common, byDefault) {
  const tables = Object.fromEntries(Object.entries(commands).map(([name, { options }]) => [name, rowsOf(options)]))
  const without = option => Object.keys(tables).filter(name => !tables[name].some(row => row.name === option))
  const shared = sharedSections(Object.values(tables), rowsOf(common)).map(section =>
    section.title === EVERYWHERE ? { ...section, note: exceptions(section.rows, rowsOf(common), without) } : section,
  )
  const index = Object.entries(commands).map(([name, { describe, group }]) => {
    const whatElse = name === byDefault ? ' (the default command)' : ''
    return `| [${name}](#${name}) | ${group} | ${cell(describe)}${whatElse} |`
  })
  const pages = Object.entries(commands).map(([name, command]) => commandSection(name, command, tables[name], shared))
  return `${[
    '<!-- Written by `npm run docs:commands`; change the commands in src/cli/commands instead. -->',
    '# Commands',
    'The help of every command (`adapter-train COMMAND --help`) on one page. `--no-NAME` turns a switch off. `adapter-train` alone is ' +
      `\`adapter-train ${byDefault}\`.`,
    ['| command | | |', '|---|---|---|', ...index].join('\n'),
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 adapter rejected, 4 check failed, 130 stopped by Ctrl-C. Results go to stdout, ' +
      'everything else to stderr.',
    ...pages,
    ...shared.map(({ title, rows, note = '' }) => `## ${title}\n\n${optionTable(rows)}${note}`),
  ].join('\n\n')}\n`
}

/**
 * The page with its table of training options replaced.
 *
 * @param {string} page
 * @param {readonly (readonly string[])[]} rows option, default, default with `--tune off`
 */
export function withDefaultsTable(page, rows) {
  const head = '| option | default | with `--tune off` |\n|---|---|---|\n'
  const [before, after] = page.split(head)
  return `${before}${head}${rows.map(cells => `| ${cells.join(' | ')} |\n`).join('')}${after.replace(/^(\|.*\n)*/, '')}`
}

function commandSection(name, { form, describe, positionals = {}, examples }, rows, shared) {
  const isShared = row => shared.find(section => section.rows.some(other => isSame(other, row)))
  const groups = new Map()
  for (const row of rows.filter(row => !isShared(row))) groups.set(row.group, [...(groups.get(row.group) ?? []), row])
  const args = Object.entries(positionals).map(([argument, option]) => `| \`${argument}\` | ${meaning(option)} |`)
  const elsewhere = shared.flatMap(({ title, anchor, rows: all }) => {
    const names = rows.filter(row => all.some(other => isSame(other, row))).map(({ name: option }) => `\`--${option}\``)
    return title === EVERYWHERE || names.length === 0 ? [] : [`[${title}](#${anchor}): ${names.join(', ')}.`]
  })
  return [
    `## ${name}`,
    `\`adapter-train ${form}\`: ${describe}.`,
    ...(args.length > 0 ? [['| argument | |', '|---|---|', ...args].join('\n')] : []),
    ...[...groups].map(([title, group]) => `**${title}**\n\n${optionTable(group)}`),
    ...elsewhere,
    [
      '| example | |',
      '|---|---|',
      ...examples.map(([words, effect]) => `| \`adapter-train ${words.replaceAll('|', '\\|')}\` | ${cell(effect)} |`),
    ].join('\n'),
  ].join('\n\n')
}

/** Of each shared option the form that most commands have; others keep their own row. */
function sharedSections(tables, common) {
  const all = tables.flat()
  const usual = rows => {
    const names = [...new Set(rows.map(({ name }) => name))]
    return names.flatMap(name => {
      const forms = rows.filter(row => row.name === name)
      const counted = forms.map(row => ({ row, times: forms.filter(other => isSame(other, row)).length }))
      const most = counted.reduce((best, next) => (next.times > best.times ? next : best))
      return most.times > forms.length / 2 ? [most.row] : []
    })
  }
  // What all commands have, but for a few that may have another form of it.
  const everywhere = all.filter(
    row => row.group === OWN && tables.filter(table => table.some(other => isSame(other, row))).length >= 0.75 * tables.length,
  )
  const sections = SHARED_GROUPS.map(group => [group, usual(all.filter(row => row.group === group))])
  return [...sections, [EVERYWHERE, [...usual(everywhere), ...common]]].map(([title, rows]) => ({
    title,
    anchor: title.toLowerCase().replaceAll(' ', '-'),
    rows,
  }))
}

/** Which commands lack an option that the others have. */
function exceptions(rows, common, without) {
  const lacking = rows
    .filter(({ name }) => !common.some(row => row.name === name) && without(name).length > 0)
    .map(({ name }) => `\`--${name}\`: not in ${without(name).join(', ')}.`)
  return lacking.length > 0 ? `\n\n${lacking.join(' ')}` : ''
}

function rowsOf(options) {
  return Object.entries(options)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, option]) => {
      const { group = OWN, alias, type, placeholder = 'NAME' } = option
      const names = [name, ...[alias ?? []].flat()].map(word => `${word.length > 1 ? '--' : '-'}${word}`)
      const value = type === 'boolean' ? '' : ` ${placeholder}${type === 'array' ? ' ...' : ''}`
      return {
        name,
        group,
        label: `\`${names.join('`, `')}${value}\``,
        text: meaning(option),
        byDefault: defaultOf(option),
      }
    })
}

function defaultOf({ default: given, demandOption }) {
  if (demandOption) return 'required'
  return given === undefined || given === false ? '' : given === true ? 'on' : `\`${[given].flat().join(' ')}\``
}

function meaning({ describe, choices }) {
  const list = choices ? ` One of ${choices.map(choice => `\`${choice}\``).join(', ')}.` : ''
  return `${cell(describe)}${list && '.'}${list}`
}

function optionTable(rows) {
  const lines = rows.map(({ label, text, byDefault }) => `| ${label} | ${text} | ${byDefault} |`)
  return ['| option | | default |', '|---|---|---|', ...lines].join('\n')
}

function isSame(a, b) {
  return a.group === b.group && a.label === b.label && a.text === b.text && a.byDefault === b.byDefault
}

/** Text within a cell of a table. */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { COMMANDS, DEFAULT_COMMAND } = await import('../dist/cli/commands/index.js')
  const { COMMON_OPTIONS } = await import('../dist/cli/help.js')
  const { DEFAULT_ROWS } = await import('../dist/cli/options/training-options.js')
  const [commands, training] = ['commands', 'training'].map(name => fileURLToPath(new URL(`../docs/${name}.md`, import.meta.url)))
  writeFileSync(commands, commandsReference(COMMANDS, COMMON_OPTIONS, DEFAULT_COMMAND))
  writeFileSync(training, withDefaultsTable(readFileSync(training, 'utf8'), DEFAULT_ROWS))
}
