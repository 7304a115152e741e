import { totalmem } from 'node:os'
import { describe, expect, test } from 'vitest'
import { MEMORY_DEFAULT, parseBytes } from '../src/memory-limit.js'

describe('parseBytes', () => {
  test.each([
    ['4GB', 4e9],
    ['512MB', 512e6],
    ['2GiB', 2 * 2 ** 30],
    ['1.5g', 1.5e9],
    ['.5 kib', 512],
    ['3T', 3e12],
    [' 10b ', 10],
    ['1000000', 1e6],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each([
    '',
    '0',
    '0GB',
    '-1GB',
    '0.1B',
    'GB',
    'four',
    '4 G B',
    '1e9',
    '1,5GB',
    '5%',
    '4XB',
    'NaN',
    'Infinity',
    '9'.repeat(30),
  ])('refuses "%s"', text => {
    expect(() => parseBytes(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(`"${text}"`) }),
    )
  })
})

test('vectors may take half of the memory at the most where nothing is said', () => {
  expect(Number.isSafeInteger(MEMORY_DEFAULT)).toBe(true)
  expect(MEMORY_DEFAULT).toBeGreaterThan(0)
  expect(MEMORY_DEFAULT).toBeLessThanOrEqual(totalmem() / 2)
})
