import { createProgress, type Progress } from './progress.js'

/** Where a command writes: results to stdout, the rest to stderr. The only place of this package that prints. */
export interface Console {
  /** A line of the result; swallowed with `--json`. */
  result(text: string): void
  /** The one JSON object of `--json`. */
  json(value: unknown): void
  /** What is going on; swallowed with `--quiet`. */
  info(text: string): void
  warn(text: string): void
  error(text: string): void
  progress(label: string): Progress
}

export interface ConsoleOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}

export function createConsole({ json = false, quiet = false }: ConsoleOptions = {}): Console {
  const toStderr = (text: string): void => {
    process.stderr.write(`${text}\n`)
  }
  return {
    result: text => {
      if (!json) process.stdout.write(`${text}\n`)
    },
    json: value => {
      process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    info: text => {
      if (!quiet) toStderr(text)
    },
    warn: text => toStderr(`warning: ${text}`),
    error: text => toStderr(`error: ${text}`),
    progress: label => createProgress(label, process.stderr, quiet),
  }
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(cells => cells[column].length)))
  return rows
    .map(cells =>
      cells
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
