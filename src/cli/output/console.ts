import { canRedraw, clearProgress, createProgress, type Progress } from './progress.js'
import { PLAIN, type Style, styleFor } from './style.js'
import { padEnd, padStart, visibleWidth } from './visible-width.js'

/** Where a command writes: results to stdout, the rest to stderr. The only place of this package that prints. */
export interface Console {
  /** A line of the result; swallowed with `--json`. */
  result(text: string): void
  /** The one JSON object of `--json`. */
  json(value: unknown): void
  /** What is going on; swallowed with `--quiet`. */
  info(text: string): void
  /** What only `--verbose` shows. */
  detail(text: string): void
  warn(text: string): void
  error(text: string): void
  /** What to do next, after the result: commands or snippets, and what each is for; swallowed with `--quiet`. */
  next(steps: readonly NextStep[]): void
  /** @param unit what is counted, for the rate */
  progress(label: string, unit?: string): Progress
  /** Marks parts of a result. */
  readonly style: Style
  /** Whether progress is one line that is drawn over and over, so that nothing need be logged beside it. */
  readonly live: boolean
}

export type NextStep = readonly [words: string, effect: string]

export interface ConsoleOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  /** What the command line says about colours; by default they are for terminals. */
  readonly color?: boolean
}

export function createConsole({ json = false, quiet = false, verbose = false, color }: ConsoleOptions = {}): Console {
  const { stdout, stderr } = process
  const style = json ? PLAIN : styleFor(stdout, color)
  const remarks = styleFor(stderr, json ? false : color)
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    clearProgress()
    stream.write(`${text}\n`)
  }
  return {
    style,
    live: canRedraw(stderr) && !quiet && !verbose,
    result: text => {
      if (!json) write(stdout, text)
    },
    json: value => write(stdout, JSON.stringify(value, null, 2)),
    info: text => {
      if (!quiet) write(stderr, text)
    },
    detail: text => {
      if (verbose && !quiet) write(stderr, remarks.dim(text))
    },
    warn: text => write(stderr, `${remarks.yellow('warning:')} ${text}`),
    error: text => write(stderr, `${remarks.red('error:')} ${text}`),
    next: steps => {
      if (quiet || steps.length === 0) return
      const lines = steps.map(([words, effect]) => `  ${words.replaceAll('\n', '\n  ')}\n      ${effect}`)
      write(stderr, `\n${remarks.bold('next')}\n${lines.join('\n')}`)
    },
    progress: (label, unit) => createProgress(label, stderr, { quiet, unit }),
  }
}

/**
 * Columns as wide as their widest cell; the first to the left, the others to the right.
 * @param style of the first row, the heads
 */
export function formatTable(rows: readonly (readonly string[])[], style: Style = PLAIN): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(cells => visibleWidth(cells[column]))))
  return rows
    .map((cells, row) => {
      const line = cells.map((cell, i) => (i === 0 ? padEnd(cell, widths[i]) : padStart(cell, widths[i]))).join('  ')
      return row === 0 ? style.bold(line.trimEnd()) : line.trimEnd()
    })
    .join('\n')
}
