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

/** A bar with rate and remaining time on a terminal, a plain line every few seconds elsewhere. */
export function createProgress(label: string, stream: NodeJS.WriteStream, quiet: boolean): Progress {
  const started = performance.now()
  let first: number | undefined
  let drawn = Number.NEGATIVE_INFINITY
  let onScreen = false

  function line(done: number, total: number, note: string | undefined): string {
    first ??= done
    const seconds = (performance.now() - started) / 1000
    const rate = (done - first) / Math.max(seconds, 1e-3)
    const share = total > 0 ? done / total : 1
    const eta = done < total && rate > 0 ? `  ${formatRate(rate)}/s  ${formatDuration((total - done) / rate)} left` : ''
    return `${label}  ${Math.floor(share * 100)} %  ${done}/${total}${eta}${note ? `  ${note}` : ''}`
  }

  return {
    update(done, total, note) {
      if (quiet) return
      const now = performance.now()
      const text = line(done, total, note)
      if (now - drawn < (stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS) && !(stream.isTTY && done === total)) return
      if (!stream.isTTY && drawn === Number.NEGATIVE_INFINITY && done < total) {
        drawn = now
        return
      }
      if (!stream.isTTY && done === total) return
      drawn = now
      if (!stream.isTTY) {
        stream.write(`${text}\n`)
        return
      }
      const filled = Math.round((total > 0 ? done / total : 1) * BAR_WIDTH)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
      stream.write(`\r\x1b[K${`${bar} ${text}`.slice(0, (stream.columns ?? 100) - 1)}`)
      onScreen = true
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
