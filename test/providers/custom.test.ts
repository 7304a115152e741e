import { describe, expect, it } from 'vitest'
import type { AdapterTrainError } from '../../src/errors.js'
import { customProvider, type EmbedFunction } from '../../src/providers/custom.js'
import type { Role } from '../../src/providers/provider.js'
import { providerContract } from '../contracts/provider.js'
import { rejection } from '../helpers/rejection.js'

/** Four numbers of a text that differ between texts. */
const vectorOf = (text: string, role: Role = 'query'): number[] => [
  text.length,
  text.charCodeAt(0),
  text.charCodeAt(text.length - 1),
  role === 'query' ? 1 : 2,
]
const embed: EmbedFunction = (texts, role) => texts.map(text => vectorOf(text, role))

class Embedder {
  readonly calls: string[] = []
  async embedQuery(text: string) {
    this.calls.push(`query ${text}`)
    return vectorOf(text)
  }
  async embedDocuments(texts: string[]) {
    this.calls.push(`documents ${texts.join('|')}`)
    return texts.map(text => vectorOf(text, 'document'))
  }
}

providerContract('custom function', () => customProvider(embed, { id: 'acme/encoder' }))
providerContract('custom object', () => customProvider(new Embedder(), { id: 'acme/encoder' }))

describe('customProvider', () => {
  it('takes a function, an object with embed, and the shape of LangChain', async () => {
    const expected = [Float32Array.from(vectorOf('pay', 'document'))]
    const langChain = new Embedder()
    const providers = [
      customProvider(embed, { id: 'a' }),
      customProvider({ id: 'a', embed }),
      customProvider({ id: 'a', embed: langChain }),
      customProvider(langChain, { id: 'a' }),
    ]
    for (const provider of providers) expect(await provider.embed(['pay'], 'document')).toEqual(expected)
  })

  it('calls embedQuery for queries and embedDocuments for documents', async () => {
    const embedder = new Embedder()
    const provider = customProvider(embedder, { id: 'a' })
    await provider.embed(['x', 'y'], 'query')
    await provider.embed(['x', 'y'], 'document')
    expect(embedder.calls).toEqual(['query x', 'query y', 'documents x|y'])
  })

  it('keeps `this` of an object whose embed is a method', async () => {
    const provider = customProvider({
      id: 'a',
      scale: 3,
      embed(texts: string[]) {
        return texts.map(() => [(this as unknown as { scale: number }).scale])
      },
    } as { id: string; embed: EmbedFunction })
    expect(await provider.embed(['x'], 'query')).toEqual([Float32Array.of(3)])
  })

  it('learns its dimensions from the first answer and holds later ones to it', async () => {
    let size = 3
    const provider = customProvider(texts => texts.map(() => new Array(size).fill(1)), { id: 'a' })
    expect(provider.dimensions).toBeUndefined()
    await provider.embed(['x'], 'query')
    expect(provider.dimensions).toBe(3)
    size = 4
    expect((await rejection(provider.embed(['x'], 'query'))).code).toBe('PROVIDER_RESPONSE')
  })

  it('has a cache key that changes with id, role and cacheVersion', () => {
    const keys = [
      customProvider(embed, { id: 'a' }).cacheKey('query'),
      customProvider(embed, { id: 'a' }).cacheKey('document'),
      customProvider(embed, { id: 'b' }).cacheKey('query'),
      customProvider(embed, { id: 'a', cacheVersion: 2 }).cacheKey('query'),
    ]
    expect(new Set(keys).size).toBe(4)
  })

  it('takes limits and a token counter', () => {
    const provider = customProvider(embed, {
      id: 'a',
      limits: { maxInputs: 5, maxRequestTokens: 100, maxConcurrency: undefined },
      countTokens: text => text.length,
    })
    expect(provider.limits).toEqual({ maxInputs: 5, maxRequestTokens: 100, maxConcurrency: 1 })
    expect(provider.countTokens('four')).toBe(4)
  })

  it('accepts any kind of number array and never hands out the embedder’s buffer', async () => {
    const buffer = Float32Array.of(1, 2)
    const provider = customProvider(() => [buffer, Float64Array.of(3, 4)], { id: 'a' })
    const vectors = await provider.embed(['x', 'y'], 'query')
    buffer.fill(9)
    expect(vectors).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)])
  })

  it.each<[string, unknown, RegExp]>([
    ['no list', { a: 1 }, /list/],
    ['nothing', undefined, /list/],
    ['too few vectors', [[1, 2]], /expected 2 .* found 1/],
    [
      'too many vectors',
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      /expected 2 .* found 3/,
    ],
    [
      'vectors of two lengths',
      [
        [1, 2],
        [1, 2, 3],
      ],
      /text 2 of 2 has a wrong length; expected 2 values, found 3/,
    ],
    ['an empty vector', [[], []], /text 1 /],
    [
      'NaN',
      [
        [1, 2],
        [1, Number.NaN],
      ],
      /value 2 .* text 2/,
    ],
    [
      'a number too large for float32',
      [
        [1, 1e39],
        [1, 2],
      ],
      /value 2 .* text 1/,
    ],
    [
      'null in a vector',
      [
        [1, null],
        [1, 2],
      ],
      /value 2 .* text 1/,
    ],
    ['strings', ['ab', 'cd'], /text 1/],
    ['big integers', [BigInt64Array.of(1n), BigInt64Array.of(1n)], /text 1/],
  ])('refuses an answer of %s', async (_name, answer, message) => {
    const provider = customProvider((() => answer) as EmbedFunction, { id: 'acme/encoder' })
    const error = await rejection(provider.embed(['x', 'y'], 'query'))
    expect(error.code).toBe('PROVIDER_RESPONSE')
    expect(error.message).toMatch(message)
    expect(error.message).toContain('acme/encoder')
    expect(provider.dimensions).toBeUndefined()
  })

  it.each([
    [{ status: 429 }, 429, true],
    [{ status: 408 }, 408, true],
    [{ status: 409 }, 409, true],
    [{ statusCode: 503 }, 503, true],
    [{ response: { status: 500 } }, 500, true],
    [{ status: 400 }, 400, false],
    [{ status: 401 }, 401, false],
    [{}, undefined, false],
    [{ status: 'slow' }, undefined, false],
  ])('wraps an error with %j, status %s, as retryable: %s', async (fields, status, retryable) => {
    const cause = Object.assign(new Error('no luck'), fields)
    const provider = customProvider(
      () => {
        throw cause
      },
      { id: 'acme/encoder' },
    )
    const error = await rejection(provider.embed(['x'], 'query'))
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.message).toBe('provider acme/encoder failed: no luck')
    expect(error.cause).toBe(cause)
    expect(error.details).toMatchObject({ status, retryable })
  })

  it('stops waiting for a function that ignores the signal', async () => {
    const controller = new AbortController()
    const provider = customProvider(() => new Promise<number[][]>(() => {}), { id: 'a' })
    const pending = rejection(provider.embed(['x'], 'query', { signal: controller.signal }))
    controller.abort(new Error('enough'))
    const error = await pending
    expect(error.code).toBe('ABORTED')
    expect((error.cause as Error).message).toBe('enough')
  })

  it('hands the signal to the function and takes its abort error for what it is', async () => {
    const controller = new AbortController()
    const provider = customProvider(
      (_texts, _role, { signal }) =>
        new Promise<number[][]>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')))
        }),
      { id: 'a' },
    )
    const pending = rejection(provider.embed(['x'], 'query', { signal: controller.signal }))
    controller.abort()
    expect((await pending).code).toBe('ABORTED')
  })

  it.each<[string, () => unknown]>([
    ['an empty id', () => customProvider(embed, { id: '' })],
    ['a blank id', () => customProvider(embed, { id: '  ' })],
    ['an id of two lines', () => customProvider(embed, { id: 'a\nb' })],
    ['a number for an id', () => customProvider(embed, { id: 3 as unknown as string })],
    ['no options', () => customProvider(embed, undefined as never)],
    ['no embedder', () => customProvider({ id: 'a' } as never)],
    ['null', () => customProvider(null as never, { id: 'a' })],
    ['maxInputs 0', () => customProvider(embed, { id: 'a', limits: { maxInputs: 0 } })],
    ['dimensions 1.5', () => customProvider(embed, { id: 'a', dimensions: 1.5 })],
  ])('refuses %s', (_name, make) => {
    expect(make).toThrowError(expect.objectContaining({ code: 'USAGE' }) as unknown as AdapterTrainError)
  })
})
