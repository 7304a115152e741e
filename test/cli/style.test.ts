import { expect, test } from 'vitest'
import { formatTable } from '../../src/cli/output/console.js'
import { PLAIN, styleFor } from '../../src/cli/output/style.js'
import { changeText } from '../../src/cli/output/tables.js'
import { oneLine, padEnd, padStart, truncate, visibleWidth } from '../../src/cli/output/width.js'

const coloured = styleFor({}, true)

test.each<[isTTY: boolean, wish: boolean | undefined, env: Record<string, string>, expected: boolean]>([
  [true, undefined, {}, true],
  [false, undefined, {}, false],
  [true, undefined, { NO_COLOR: '1' }, false],
  [true, undefined, { NO_COLOR: '' }, true],
  [true, undefined, { TERM: 'dumb' }, false],
  [false, undefined, { FORCE_COLOR: '1' }, true],
  [false, undefined, { FORCE_COLOR: '3', TERM: 'dumb', NO_COLOR: '1' }, true],
  [true, undefined, { FORCE_COLOR: '0' }, false],
  [true, undefined, { FORCE_COLOR: 'false' }, false],
  [false, undefined, { FORCE_COLOR: '' }, false],
  [true, false, { FORCE_COLOR: '1' }, false],
  [false, true, { NO_COLOR: '1', TERM: 'dumb' }, true],
])('terminal %s, --color %s, %j: coloured %s', (isTTY, wish, env, expected) => {
  const text = styleFor({ isTTY }, wish, env).red('x')
  expect(text).toBe(expected ? '\x1b[31mx\x1b[39m' : 'x')
})

test.each([
  ['', 0],
  ['abc', 3],
  ['é', 1],
  ['e\u0301', 1],
  ['日本語', 6],
  ['한국', 4],
  ['\u1112\u1161\u11ab', 2],
  ['ﾊﾝｶｸ', 4],
  ['ＡＢ', 4],
  ['👍🏽', 2],
  ['👨‍👩‍👧', 2],
  ['🇩🇪', 2],
  ['❤️', 2],
  ['✓', 1],
  ['…', 1],
  ['a\u200bb', 2],
  ['𠮷', 2],
  ['สวัสดี', 4],
  ['\x1b[31mred\x1b[39m', 3],
])('%j takes %d columns', (text, width) => {
  expect(visibleWidth(text)).toBe(width)
})

test('texts are filled up and cut by columns, never inside of a character', () => {
  expect(padEnd('日', 4)).toBe('日  ')
  expect(padStart('日', 4)).toBe('  日')
  expect(padEnd('too long', 3)).toBe('too long')
  expect(truncate('日本語', 6)).toBe('日本語')
  expect(truncate('日本語', 5)).toBe('日本…')
  expect(truncate('日本語', 4)).toBe('日…')
  expect(truncate('👨‍👩‍👧👨‍👩‍👧', 3)).toBe('👨‍👩‍👧…')
  expect(truncate('abc', 1)).toBe('…')
  expect(truncate('abc', 0)).toBe('')
})

test("a text of someone else's cannot steer the terminal", () => {
  expect(oneLine('a\x1b[2Jb\n\tc\u009bd\u0007', 40)).toBe('a [2Jb c d ')
})

test('a table is aligned by what is seen', () => {
  const rows = [
    ['query', 'gain'],
    ['日本', coloured.green('+1')],
    ['abcdef', '-10'],
  ]
  expect(formatTable(rows).split('\n')).toEqual(['query   gain', `日本      ${coloured.green('+1')}`, 'abcdef   -10'])
  expect(formatTable(rows, coloured).split('\n')[0]).toBe('\x1b[1mquery   gain\x1b[22m')
})

test.each([
  [0.1, { low: 0.01, high: 0.2 }, '\x1b[32m+0.1000\x1b[39m'],
  [-0.1, { low: -0.2, high: -0.01 }, '\x1b[31m-0.1000\x1b[39m'],
  [0.1, { low: -0.01, high: 0.2 }, '+0.1000'],
  [0.1, { low: 0, high: 0.2 }, '+0.1000'],
  [0.1, undefined, '\x1b[32m+0.1000\x1b[39m'],
  [0, undefined, '+0.0000'],
])('a change of %d with the interval %j is coloured where it is proven', (change, interval, text) => {
  expect(changeText(change, interval, coloured)).toBe(text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken away
  expect(changeText(change, interval, PLAIN)).toBe(text.replace(/\x1b\[\d+m/g, ''))
})
