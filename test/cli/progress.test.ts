import { afterEach, expect, test, vi } from 'vitest'
import { clearProgress, createProgress, formatDuration } from '../../src/cli/output/progress.js'

function recorded(isTTY: boolean, columns = 80, { quiet = false, unit }: { quiet?: boolean; unit?: string } = {}) {
  let time = 1000
  const lines: string[] = []
  const stream = { isTTY, columns, write: (text: string) => lines.push(text) }
  const progress = createProgress('embedding', stream, { quiet, unit, now: () => time })
  return {
    lines,
    stream,
    end: () => progress.end(),
    /** Updates `seconds` later. */
    after(seconds: number, done: number, total: number | undefined, note?: string) {
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

test('the line fits the terminal, also with wide characters, and has no bar where there is little room', () => {
  const { lines, after } = recorded(true, 40)
  after(1, 1, 2, '文字文字文字文字文字')
  expect(lines).toEqual(['\r\x1b[Kembedding  50 %  1/2  文字文字文字文字…'])
})

test('a line that a narrower terminal has wrapped is cleared as a whole', () => {
  const { lines, after, end, stream } = recorded(true, 100)
  after(1, 1, 2, 'x'.repeat(60))
  stream.columns = 50
  end()
  expect(lines[1]).toBe('\x1b[1A\r\x1b[J')
})

test('the line is cleared before another one is written, and drawn again afterwards', () => {
  const { lines, after } = recorded(true)
  after(0, 1, 9)
  clearProgress()
  clearProgress()
  after(1, 2, 9)
  expect(lines.map(line => line.slice(0, 4))).toEqual(['\r\x1b[K', '\r\x1b[K', '\r\x1b[K'])
  expect(lines[1]).toBe('\r\x1b[K')
  expect(lines[2]).toContain('2/9')
})

test('one bar takes the place of another', () => {
  const [a, b] = [recorded(true), recorded(true)]
  a.after(0, 1, 9)
  b.after(0, 1, 9)
  expect(a.lines[1]).toBe('\r\x1b[K')
  a.end()
  expect(a.lines).toHaveLength(2)
  b.end()
  expect(b.lines[1]).toBe('\r\x1b[K')
})

test('where the total is not known, what is done and the time are shown', () => {
  const { lines, after } = recorded(true, 80, { unit: 'candidates' })
  after(0, 0, undefined)
  after(7, 1, undefined, 'best so far ndcg@10 0.5000')
  expect(lines[1]).toBe('\r\x1b[Kembedding  1 candidate  7s  best so far ndcg@10 0.5000')
})

test('the unit stands beside the rate', () => {
  const { lines, after } = recorded(true, 120, { unit: 'texts' })
  after(0, 0, 100)
  after(2, 20, 100, '3,000 tokens, $0.0001')
  expect(lines[1]).toContain('20/100  10 texts/s  8s left  3,000 tokens, $0.0001')
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
  const { lines, after, end } = recorded(true, 80, { quiet: true })
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
