import type { DetailedChange } from '../pipeline/proof.js'
import { VERSION } from '../version.js'
import { escapeMarkdown, shorten } from './format.js'
import type { Block, Page, Table } from './page.js'

/** Most rows of a table and changes of each kind that are shown: a pull request is read, not searched. */
const MOST = { rows: 20, changes: 5 } as const

/** Renders a page for pull requests: the answer, tables, warnings and the command. */
export function renderMarkdown({ verdict, about, warnings, sections }: Page): string {
  const parts = [
    `**${escapeMarkdown(verdict.text)}**`,
    escapeMarkdown(about.join('; ')),
    ...(warnings.length > 0 ? ['### Warnings', warnings.map(text => `- ${escapeMarkdown(text)}`).join('\n')] : []),
    ...sections.flatMap(({ title, blocks }) => [`### ${title}`, ...blocks.flatMap(blockLines)]),
    `Made by adapter-train ${VERSION}.`,
  ]
  return `${parts.join('\n\n')}\n`
}

function blockLines(block: Block): string[] {
  switch (block.type) {
    case 'text':
      return [escapeMarkdown(block.text)]
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
  const rank = (value: number | null) => (value === null ? 'not found' : String(value))
  const rowsOf = (kind: string, items: readonly DetailedChange[]) =>
    items
      .slice(0, MOST.changes)
      .map(({ text, queryId, baseRank, adaptedRank }) => [
        ...[kind, shorten(text ?? queryId, 100), rank(baseRank), rank(adaptedRank)],
      ])
  const isWin = ({ base, adapted }: DetailedChange) => adapted > base
  return {
    caption: 'Largest changes',
    head: ['', 'query', 'rank before', 'rank after'],
    words: 2,
    rows: [
      ...rowsOf('better', changes.filter(isWin)),
      ...rowsOf(
        'worse',
        changes.filter(change => !isWin(change)),
      ),
    ],
  }
}

/** Fences code with more backticks than any run of them inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}sh\n${text}\n${fence}`
}
