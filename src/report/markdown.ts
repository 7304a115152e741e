import type { DetailedChange } from '../pipeline/proof-detail.js'
import { VERSION } from '../version.js'
import { escapeMarkdown } from './escape.js'
import { shorten } from './format.js'
import type { Page } from './page.js'
import type { Block, Table } from './section.js'

/** Rows of a table and changes that are shown at the most: a pull request is read, not searched. */
const MOST = { rows: 20, changes: 5 } as const

/** A report for pull requests: the answer, tables, warnings and the command. */
export function renderMarkdown({ verdict, about, warnings, sections }: Page): string {
  const parts = [
    `**${escapeMarkdown(verdict.text)}**`,
    escapeMarkdown(about.join('; ')),
    ...(warnings.length > 0
      ? [`### Warnings\n\n${warnings.map(warning => `- ${escapeMarkdown(warning)}`).join('\n')}`]
      : []),
    ...sections.flatMap(({ title, blocks }) => [`### ${title}`, ...blocks.flatMap(blockLines)]),
    `Made by adapter-train ${VERSION}.`,
  ]
  return `${parts.join('\n\n')}\n`
}

function blockLines(block: Block): string[] {
  switch (block.type) {
    case 'text':
      return [escapeMarkdown(block.text)]
    case 'list':
      return [block.items.map(item => `- ${escapeMarkdown(item)}`).join('\n')]
    case 'table':
      return [tableLines(block.table)]
    case 'figure':
      return block.figure.table ? [tableLines(block.figure.table)] : []
    case 'code':
      return [fenced(block.text)]
    case 'changes':
      return [tableLines(changesTable(block.changes.items))]
  }
}

function tableLines({ head, rows, words = 1 }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  const rule = `|${head.map((_, i) => (i < words ? ' --- |' : ' ---: |')).join('')}`
  const left = rows.length - MOST.rows
  const shown = [line(head), rule, ...rows.slice(0, MOST.rows).map(line)].join('\n')
  return left > 0 ? `${shown}\n\n… and ${left} more` : shown
}

function changesTable(changes: readonly DetailedChange[]): Table {
  const isWin = ({ base, adapted }: DetailedChange) => adapted > base
  const shown = [
    ...changes.filter(isWin).slice(0, MOST.changes),
    ...changes.filter(change => !isWin(change)).slice(0, MOST.changes),
  ]
  const rank = (value: number | null) => (value === null ? 'not found' : String(value))
  return {
    caption: 'Largest changes',
    head: ['', 'query', 'rank before', 'rank after'],
    words: 2,
    rows: shown.map(change => [
      isWin(change) ? 'better' : 'worse',
      shorten(change.text ?? change.queryId, 100),
      rank(change.baseRank),
      rank(change.adaptedRank),
    ]),
  }
}

/** A fence longer than any run of backticks inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}sh\n${text}\n${fence}`
}
