/** Shows how far a piece of work is. */
export interface Progress {
  /**
   * @param done units finished
   * @param total units in all
   * @param note added to the line, such as a loss
   */
  update(done: number, total: number, note?: string): void
  /** Ends the line. */
  end(): void
}

/** Milliseconds between two redraws of a bar, and between two plain lines. */
const REDRAW_MS = 100
const PLAIN_LINE_MS = 5_000
const BAR_WIDTH = 24

/** The part of a stream that progress needs. */
export type ProgressStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { write(text: string): unknown }

/**
 * A bar with rate and remaining time on a terminal, a plain line every few seconds elsewhere. Both count from the first update.
 * @param now milliseconds
 */
export function createProgress(
  label: string,
  stream: ProgressStream,
  quiet: boolean,
  now: () => number = () => performance.now(),
): Progress {
  const isTerminal = stream.isTTY && process.env.TERM !== 'dumb'
  let first: { readonly time: number; readonly done: number } | undefined
  let written = 0
  let onScreen = false

  function line(done: number, total: number, note = ''): string {
    const rate = (done - first!.done) / Math.max((now() - first!.time) / 1000, 1e-3)
    const percent = Math.floor((total > 0 ? done / total : 1) * 100)
    const rest =
      done < total && rate > 0 ? `  ${formatRate(rate)}/s  ${formatDuration((total - done) / rate)} left` : ''
    return `${label}  ${percent} %  ${done}/${total}${rest}${note && `  ${note}`}`
  }

  function draw(done: number, total: number, note?: string): void {
    const filled = Math.round((total > 0 ? done / total : 1) * BAR_WIDTH)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
    stream.write(`\r\x1b[K${`${bar} ${line(done, total, note)}`.slice(0, (stream.columns || 100) - 1)}`)
    onScreen = true
  }

  return {
    update(done, total, note) {
      if (quiet) return
      const time = now()
      const isFirst = first === undefined
      first ??= { time, done }
      if (isTerminal) {
        if (!isFirst && done < total && time - written < REDRAW_MS) return
        draw(done, total, note)
      } else {
        // The first and the last state are told by other lines.
        if (!isFirst && (done >= total || time - written < PLAIN_LINE_MS)) return
        if (!isFirst) stream.write(`${line(done, total, note)}\n`)
      }
      written = time
    },
    end() {
      if (onScreen) stream.write('\r\x1b[K')
      onScreen = false
    },
  }
}

function formatRate(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1)
}

/** 75 -> "1m 15s" */
export function formatDuration(seconds: number): string {
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`
}
