import { truncate, visibleWidth } from './width.js'

export interface Progress {
  /** `done`: units finished. `total`: units in all; `undefined` if unknown. `note`: added to the line, such as a loss. */
  update(done: number, total: number | undefined, note?: string): void
  end(): void
}

/** Milliseconds between two redraws of a bar, and between two plain lines. */
const REDRAW_MS = 100
const PLAIN_LINE_MS = 5_000
const BAR_WIDTH = 24
/** Columns of a terminal below which there is no bar, so that the figures have room. */
const LEAST_FOR_BAR = 72

export type ProgressStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { write(text: string): unknown }

/** Removes the line of progress: there is one terminal, so there is one line. */
let takeAway: (() => void) | undefined

/** Clears the line of progress before anything else is written to the terminal. */
export function clearProgress(): void {
  takeAway?.()
  takeAway = undefined
}

/** True if a line can be redrawn. */
export function canRedraw({ isTTY }: Pick<ProgressStream, 'isTTY'>): boolean {
  return isTTY === true && process.env.TERM !== 'dumb'
}

/**
 * Makes a bar with rate and remaining time on a terminal, a plain line every few seconds elsewhere. `unit`: of the rate, such as
 * `texts`. `now`: milliseconds.
 */
export function createProgress(
  label: string,
  stream: ProgressStream,
  { quiet = false, unit, now = () => performance.now() }: { quiet?: boolean; unit?: string; now?: () => number } = {},
): Progress {
  const isTerminal = canRedraw(stream)
  let first: { readonly time: number; readonly done: number } | undefined
  let written = 0
  let width = 0

  function line(done: number, total: number | undefined, note = ''): string {
    const elapsed = (now() - first!.time) / 1000
    const parts = [label]
    if (total === undefined) {
      const counted = done === 1 ? unit?.replace(/s$/, '') : unit
      parts.push(`${done}${counted ? ` ${counted}` : ''}`, formatDuration(elapsed))
    } else {
      const rate = (done - first!.done) / Math.max(elapsed, 1e-3)
      parts.push(`${Math.floor((total > 0 ? done / total : 1) * 100)} %`, `${done}/${total}`)
      if (done < total && rate > 0)
        parts.push(`${formatRate(rate)}${unit ? ` ${unit}` : ''}/s`, `${formatDuration((total - done) / rate)} left`)
    }
    return [...parts, ...(note ? [note] : [])].join('  ')
  }

  /** Moves to the start of the line and clears it. If the terminal became narrower, it may have been wrapped into several. */
  function erasure(): string {
    const above = stream.columns > 0 ? Math.floor(Math.max(0, width - 1) / stream.columns) : 0
    return above > 0 ? `\x1b[${above}A\r\x1b[J` : '\r\x1b[K'
  }

  function erase(): void {
    stream.write(erasure())
    width = 0
  }

  function draw(done: number, total: number | undefined, note?: string): void {
    const columns = stream.columns || 100
    const filled = Math.round(Math.min(1, total ? done / total : 1) * BAR_WIDTH)
    const hasBar = total !== undefined && columns >= LEAST_FOR_BAR
    const bar = hasBar ? `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ` : ''
    const text = truncate(`${bar}${line(done, total, note)}`, columns - 1)
    if (takeAway !== erase) clearProgress()
    stream.write(`${erasure()}${text}`)
    width = visibleWidth(text)
    takeAway = erase
  }

  return {
    update(done, total, note) {
      if (quiet) return
      const time = now()
      const isFirst = first === undefined
      first ??= { time, done }
      const isLast = total !== undefined && done >= total
      if (isTerminal) {
        if (!isFirst && !isLast && time - written < REDRAW_MS) return
        draw(done, total, note)
      } else {
        // Other lines report the first and the last state.
        if (!isFirst && (isLast || time - written < PLAIN_LINE_MS)) return
        if (!isFirst) stream.write(`${line(done, total, note)}\n`)
      }
      written = time
    },
    end() {
      if (takeAway === erase) clearProgress()
    },
  }
}

const formatRate = (rate: number): string => (rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1))

/** 75 -> "1m 15s" */
export function formatDuration(seconds: number): string {
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`
}
