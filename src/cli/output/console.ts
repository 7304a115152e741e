import type { DatasetIssue } from '../../dataset/dataset.js'
import { asMessage, printable, printableMarked, withoutPasswords } from '../../words.js'
import { canRedraw, clearProgress, createProgress } from './progress.js'
import { PLAIN, type Style, styleFor } from './style.js'
import { padEnd, padStart, visibleWidth } from './width.js'

/** Output of a command: results on stdout, the rest on stderr. The only place in this package that prints. */
export type Console = ReturnType<typeof createConsole>

export type NextStep = readonly [words: string, effect: string]

export interface ConsoleOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  /** `--color` or `--no-color`; default: on a terminal. */
  readonly color?: boolean
}

export function createConsole({ json = false, quiet = false, verbose = false, color }: ConsoleOptions = {}) {
  const { stdout, stderr } = process
  const style = json ? PLAIN : styleFor(stdout, color)
  const remarks = styleFor(stderr, json ? false : color)
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    clearProgress()
    const plain = (stream === stdout ? style : remarks) === PLAIN
    const shown = json && stream === stdout ? text : withoutPasswords(text)
    stream.write(`${plain ? printable(shown) : printableMarked(shown)}\n`)
  }
  return {
    style,
    isJson: json,
    live: canRedraw(stderr) && !quiet && !verbose,
    /** Prints a line of the result; suppressed by `--json`. */
    result(text: string): void {
      if (!json) write(stdout, text)
    },
    /** Prints the JSON object of `--json`; suppressed without it. */
    json(value: unknown): void {
      if (json) write(stdout, JSON.stringify(value, null, 2))
    },
    /** Prints what happens; suppressed by `--quiet`. */
    info(text: string): void {
      if (!quiet) write(stderr, text)
    },
    /** Prints what only `--verbose` shows. */
    detail(text: string): void {
      if (verbose && !quiet) write(stderr, remarks.dim(text))
    },
    warn: (text: string): void => write(stderr, `${remarks.yellow('warning:')} ${asMessage(text)}`),
    error: (text: string): void => write(stderr, `${remarks.red('error:')} ${asMessage(text)}`),
    /** Prints the next steps after the result: commands or snippets with their purpose; suppressed by `--quiet` and `--json`. */
    next(steps: readonly NextStep[]): void {
      if (quiet || json || steps.length === 0) return
      const lines = steps.map(([words, effect]) => `  ${words.replaceAll('\n', '\n  ')}\n      ${effect}`)
      write(stderr, `\n${remarks.bold('next')}\n${lines.join('\n')}`)
    },
    /** @param unit of the rate: `texts` */
    progress: (label: string, unit?: string) => createProgress(label, stderr, { quiet, unit }),
  }
}

/** Aligns columns by their widest cell, the first one left, the others right. `style`: of the first row. */
export function formatTable(rows: readonly (readonly string[])[], style: Style = PLAIN): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(cells => visibleWidth(cells[column]))))
  return rows
    .map((cells, row) => {
      const line = cells.map((cell, i) => (i === 0 ? padEnd(cell, widths[i]) : padStart(cell, widths[i]))).join('  ')
      return row === 0 ? style.bold(line.trimEnd()) : line.trimEnd()
    })
    .join('\n')
}

const LISTED = 20

/** Joins the first lines of a list, indented, with the number of the others. */
export function listed(lines: readonly string[]): string {
  const more = lines.length > LISTED ? [`and ${lines.length - LISTED} more`] : []
  return [...lines.slice(0, LISTED), ...more].map(line => `  ${line}`).join('\n')
}

/** Prints what `--skip-invalid` left out. */
export function reportSkipped(skipped: readonly DatasetIssue[], out: Console): void {
  if (skipped.length === 0) return
  const lines = skipped.map(({ file, line, id, problem }) => {
    return `${file}${line === undefined ? '' : `:${line}`}${id === undefined ? '' : ` (${id})`}: ${problem}`
  })
  out.warn(`${skipped.length} invalid entries left out:\n${listed(lines)}`)
}
