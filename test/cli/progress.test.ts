import { afterEach, expect, test, vi } from 'vitest'
import { createProgress, formatDuration } from '../../src/cli/progress.js'

function recorded(isTTY: boolean, columns = 80, quiet = false) {
  let time = 1000
  const lines: string[] = []
  const stream = { isTTY, columns, write: (text: string) => lines.push(text) }
  const progress = createProgress('embedding', stream, quiet, () => time)
  return {
    lines,
    end: () => progress.end(),
    /** Updates `seconds` later. */
    after(seconds: number, done: number, total: number, note?: string) {
      time += seconds * 1000
      progress.update(done, total, note)
    },
  }
}

afterEach(() => {
  vi.unstubAllEnvs()
})

test('a terminal gets a bar with rate and remaining time, counted from the first update, cleared at the end', () => {
  const { lines, after, end } = recorded(true)
  // What the cache had is no work done.
  after(60, 100, 500)
  after(2, 200, 500)
  after(0.05, 210, 500)
  after(0.01, 500, 500)
  end()
  end()
  expect(lines).toEqual([
    '\r\x1b[K█████░░░░░░░░░░░░░░░░░░░ embedding  20 %  100/500',
    '\r\x1b[K██████████░░░░░░░░░░░░░░ embedding  40 %  200/500  50/s  6s left',
    '\r\x1b[K████████████████████████ embedding  100 %  500/500',
    '\r\x1b[K',
  ])
})

test('a bar is cut to the width of the terminal', () => {
  const { lines, after } = recorded(true, 40)
  after(1, 1, 2, 'a long note that does not fit')
  expect(lines[0].slice('\r\x1b[K'.length)).toHaveLength(39)
})

test.each([
  ['that is no terminal', false, {}],
  ['of a terminal that cannot move its cursor', true, { TERM: 'dumb' }],
])('a stream %s gets a plain line every five seconds, and none for work that is quickly done', (_, isTTY, env) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value as string)
  const { lines, after, end } = recorded(isTTY)
  after(0, 0, 1000)
  after(3, 10, 1000)
  after(3, 60, 1000)
  after(1, 70, 1000)
  after(9, 1000, 1000)
  end()
  expect(lines).toEqual(['embedding  6 %  60/1000  10/s  1m 34s left\n'])
})

test('nothing is written where quiet is asked for', () => {
  const { lines, after, end } = recorded(true, 80, true)
  after(0, 1, 2)
  after(9, 2, 2)
  end()
  expect(lines).toEqual([])
})

test.each([
  [0.4, '0s'],
  [59.6, '1m 0s'],
  [75, '1m 15s'],
  [3600, '1h 0m'],
  [90_061, '25h 1m'],
])('%d seconds are written %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})
