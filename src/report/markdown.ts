import type { DetailedChange } from '../pipeline/proof.js'
import { VERSION } from '../version.js'
import { escapeMarkdown, shorten } from './format.js'
import { type Block, kindOf, type Page, type Table } from './page.js'

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
  if (typeof block === 'string') return [escapeMarkdown(block)]
  if ('code' in block) return [fenced(block.code)]
  if ('draw' in block) return block.table ? [tableLines(block.table)] : []
  return [tableLines('rows' in block ? block : changesTable(block.items))]
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
  const rows = (['better', 'worse'] as const).flatMap(kind =>
    changes
      .filter(change => kindOf(change) === kind)
      .slice(0, MOST.changes)
      .map(change => [kind, shorten(change.text ?? change.queryId, 100), rank(change.baseRank), rank(change.adaptedRank)]),
  )
  return { caption: 'Largest changes', head: ['', 'query', 'rank before', 'rank after'], words: 2, rows }
}

/** Fences code with more backticks than any run of them inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}sh\n${text}\n${fence}`
}
