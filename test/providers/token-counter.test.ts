import { describe, expect, test } from 'vitest'
import { openai } from '../../src/providers/openai.js'
import { loadTokenCounter } from '../../src/providers/token-counter.js'

describe('counting tokens', () => {
  test('is exact, and takes special tokens for plain text', async () => {
    const countTokens = await loadTokenCounter()
    expect(countTokens('hello world')).toBe(2)
    expect(countTokens('')).toBe(0)
    expect(countTokens('<|endoftext|>')).toBe(7)
  })

  test('adds the longer prefix of a provider', async () => {
    const provider = await openai.create({ apiKey: 'a-key', queryPrefix: 'hello world', documentPrefix: 'hello' })
    expect(provider.countTokens('hello world')).toBe(4)
  })

  test.each([
    ['letters', 'a'.repeat(200_000), 25_000],
    ['Chinese without punctuation', '中文字'.repeat(20_000), 40_000],
    ['white space', ' '.repeat(200_000), 1],
  ])('takes no minutes for a long run of %s', async (_, text, atLeast) => {
    const countTokens = await loadTokenCounter()
    const start = performance.now()
    const tokens = countTokens(text)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(tokens).toBeGreaterThanOrEqual(atLeast)
    expect(tokens).toBeLessThan(text.length)
  })

  test('loses no text around and between long runs', async () => {
    const countTokens = await loadTokenCounter()
    const run = 'x'.repeat(1000)
    const tokens = countTokens(`${run} hello world ${run}`)
    expect(tokens).toBeGreaterThanOrEqual(2 * countTokens('x'.repeat(400)) * 2 + 2)
    expect(countTokens(`one ${'🙂'.repeat(500)} two`)).toBeGreaterThan(500)
  })
})
