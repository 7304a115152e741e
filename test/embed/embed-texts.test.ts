import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hashText } from '../../src/cache/cache.js'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import type { EmbedProgress } from '../../src/embed/run-embedding.js'
import { fromRows } from '../../src/math/matrix.js'
import { fakeProvider, requestError, vectorOf } from './fake-provider.js'

const sleep = async () => {}
const matrixOf = (...texts: string[]) => fromRows(texts.map(text => vectorOf(text)))

describe('hashText', () => {
  it('is SHA-256 of the UTF-8 bytes', () => {
    expect(Buffer.from(hashText('é😀'))).toEqual(
      createHash('sha256')
        .update(Buffer.from([0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80]))
        .digest(),
    )
  })
})

describe('embedTexts', () => {
  it('gives one row a text, in the order of the texts, whatever the order of the requests', async () => {
    const texts = ['one', 'a b c d', 'a b', 'x y z', 'last']
    const provider = fakeProvider({ limits: { maxConcurrency: 3 } })
    const { vectors, stats } = await embedTexts(provider, texts, 'document')
    expect(vectors).toEqual(matrixOf(...texts))
    expect(stats).toEqual({ texts: 5, unique: 5, hits: 0, misses: 5, requests: 3, retries: 0, tokens: 11 })
    expect(provider.calls.map(c => c.texts)).toEqual([['a b c d', 'x y z'], ['a b', 'one'], ['last']])
  })

  it('asks in the role that was given', async () => {
    const provider = fakeProvider()
    const { vectors } = await embedTexts(provider, ['x'], 'query')
    expect(provider.calls[0].role).toBe('query')
    expect([...vectors.data]).toEqual([1, 1, 1])
  })

  it('embeds no text without a request, with the width where the provider knows it', async () => {
    const provider = fakeProvider({ dimensions: 3 })
    const { vectors, stats } = await embedTexts(provider, [], 'query')
    expect(vectors).toEqual({ rows: 0, cols: 3, data: new Float32Array(0) })
    expect((await embedTexts(fakeProvider(), [], 'query')).vectors.cols).toBe(0)
    expect(stats.requests).toBe(0)
    expect(provider.calls).toEqual([])
  })

  it('embeds a text once however often it comes, and fills every row of it', async () => {
    const provider = fakeProvider()
    const { vectors, stats } = await embedTexts(provider, ['a', 'b b', 'a', 'a', 'b b'], 'document')
    expect(vectors).toEqual(matrixOf('a', 'b b', 'a', 'a', 'b b'))
    expect(provider.calls.flatMap(c => c.texts)).toEqual(['b b', 'a'])
    expect(stats).toMatchObject({ texts: 5, unique: 2, misses: 2 })
  })

  it('tells texts apart that only look alike', async () => {
    const provider = fakeProvider({ limits: { maxInputs: 9 } })
    await embedTexts(provider, ['é', 'e\u0301', 'E', 'e ', 'e'], 'document')
    expect(provider.calls[0].texts).toHaveLength(5)
  })

  it('keeps both limits of a request', async () => {
    const provider = fakeProvider({ limits: { maxInputs: 3, maxRequestTokens: 4 } })
    await embedTexts(provider, ['a a a', 'b b', 'c c', 'd', 'e', 'f', 'g'], 'document')
    expect(provider.calls.map(c => c.texts)).toEqual([['a a a'], ['b b', 'c c'], ['d', 'e', 'f'], ['g']])
  })

  it('sends as many requests at once as the provider and the caller allow', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `t${i}`)
    const inFlight = async (maxConcurrency: number, concurrency?: number) => {
      const provider = fakeProvider({ limits: { maxConcurrency } })
      await embedTexts(provider, texts, 'document', { concurrency })
      return provider.mostInFlight
    }
    expect(await inFlight(1)).toBe(1)
    expect(await inFlight(4)).toBe(4)
    expect(await inFlight(4, 2)).toBe(2)
    expect(await inFlight(1, 8)).toBe(1)
  })

  it('counts the tokens that the service bills, where it says so', async () => {
    const provider = fakeProvider({
      script: (n, { options }) => {
        if (n === 1) options?.onUsage?.({ tokens: 100 })
        return undefined
      },
    })
    const { stats } = await embedTexts(provider, ['a a a', 'b b', 'c'], 'document')
    expect(stats.tokens).toBe(101)
  })

  it('reports progress from the cached texts to the last one', async () => {
    const cache = memoryCache()
    await embedTexts(fakeProvider(), ['a', 'b'], 'document', { cache })
    const progress: EmbedProgress[] = []
    await embedTexts(fakeProvider(), ['a', 'b', 'c c', 'd', 'e', 'e'], 'document', {
      cache,
      onProgress: p => progress.push(p),
    })
    expect(progress.map(({ elapsedMs, ...p }) => p)).toEqual([
      { done: 2, total: 5, hits: 2, tokens: 0, requests: 0 },
      { done: 4, total: 5, hits: 2, tokens: 3, requests: 1 },
      { done: 5, total: 5, hits: 2, tokens: 4, requests: 2 },
    ])
    expect(progress.every((p, i) => p.elapsedMs >= (progress[i - 1]?.elapsedMs ?? 0))).toBe(true)
  })

  it.each([
    [{ concurrency: 0 }, /concurrency/],
    [{ concurrency: 1.5 }, /concurrency/],
    [{ retries: -1 }, /retries/],
    [{ retries: Number.NaN }, /retries/],
  ])('refuses %j', async (options, message) => {
    const provider = fakeProvider()
    await expect(embedTexts(provider, ['a'], 'query', options)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message),
    })
    expect(provider.calls).toEqual([])
  })
})

describe('embedTexts with a cache', () => {
  it('asks only for what is missing, and for nothing the second time', async () => {
    const cache = memoryCache()
    await embedTexts(fakeProvider(), ['a', 'b'], 'document', { cache })
    const provider = fakeProvider()
    const texts = ['c c', 'a', 'c c', 'b', 'a']
    const first = await embedTexts(provider, texts, 'document', { cache })
    expect(provider.calls.map(c => c.texts)).toEqual([['c c']])
    expect(first.stats).toEqual({ texts: 5, unique: 3, hits: 2, misses: 1, requests: 1, retries: 0, tokens: 2 })
    const second = await embedTexts(provider, texts, 'document', { cache })
    expect(provider.calls).toHaveLength(1)
    expect(second.stats).toMatchObject({ hits: 3, misses: 0, requests: 0, tokens: 0 })
    expect(first.vectors).toEqual(matrixOf(...texts))
    expect(second.vectors).toEqual(first.vectors)
  })

  it('keeps roles and models apart', async () => {
    const cache = memoryCache()
    await embedTexts(fakeProvider(), ['a'], 'document', { cache })
    const query = await embedTexts(fakeProvider(), ['a'], 'query', { cache })
    const other = await embedTexts(fakeProvider({ id: 'fake/other' }), ['a'], 'document', { cache })
    expect([query.stats.hits, other.stats.hits]).toEqual([0, 0])
    expect([...query.vectors.data]).toEqual([1, 1, 1])
  })

  it('finds texts in a cache of more than one chunk of look-ups', async () => {
    const cache = memoryCache()
    const texts = Array.from({ length: 1300 }, (_, i) => 'x'.repeat(i + 1))
    const provider = fakeProvider({ limits: { maxInputs: 1000 } })
    await embedTexts(
      provider,
      texts.filter((_, i) => i % 3 > 0),
      'document',
      { cache },
    )
    const { vectors, stats } = await embedTexts(provider, texts, 'document', { cache })
    expect(stats).toMatchObject({ hits: 866, misses: 434 })
    expect(vectors).toEqual(matrixOf(...texts))
  })

  it('stores a finished request before the next one of the same worker is sent', async () => {
    const cache = memoryCache()
    const stored: boolean[] = []
    const provider = fakeProvider({
      limits: { maxInputs: 1 },
      script: () => {
        stored.push(cache.get('fake/model|document', [hashText('a a')])[0] !== undefined)
        return undefined
      },
    })
    await embedTexts(provider, ['a a', 'b'], 'document', { cache })
    expect(stored).toEqual([false, true])
  })

  it('refuses cached vectors of another length than the provider gives, before any request', async () => {
    const cache = memoryCache()
    cache.set('fake/model|document', [{ textHash: hashText('a'), vector: Float32Array.of(1, 2) }])
    const provider = fakeProvider({ dimensions: 3 })
    await expect(embedTexts(provider, ['a', 'b'], 'document', { cache })).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
      message: expect.stringMatching(/2 values for fake\/model, the model now gives 3.*prune the space "fake\/model\|document"/),
    })
    expect(provider.calls).toEqual([])
  })

  it.each([
    ['of the same run', ['a', 'b']],
    ['of another run', ['b']],
  ])('refuses new vectors of another length than the cached ones %s', async (_, texts) => {
    const cache = memoryCache()
    cache.set('fake/model|document', [{ textHash: hashText('a'), vector: Float32Array.of(1, 2) }])
    await expect(embedTexts(fakeProvider(), texts, 'document', { cache })).rejects.toMatchObject({
      code: 'VECTOR_INVALID',
      message: expect.stringMatching(/prune/),
    })
    expect(cache.get('fake/model|document', [hashText('b')])).toEqual([undefined])
  })
})

describe('embedTexts and texts that cannot be embedded', () => {
  it.each([
    ['', /texts\[1\] \(""\): it is empty/],
    [' \n\t\u00a0', /texts\[1\].*only white space/],
    ['bad \ud83d', /texts\[1\].*surrogate/],
    ['\ude00 bad', /texts\[1\].*surrogate/],
  ])('refuses %j before any request, also when the rest is fine', async (text, message) => {
    const provider = fakeProvider()
    await expect(embedTexts(provider, ['good', text], 'document')).rejects.toMatchObject({
      code: 'PROVIDER_INPUT',
      message: expect.stringMatching(message),
    })
    expect(provider.calls).toEqual([])
  })

  it('takes emoji and other characters outside the basic plane', async () => {
    const { stats } = await embedTexts(fakeProvider(), ['😀', '𝒳 x'], 'document')
    expect(stats.misses).toBe(2)
  })

  it('refuses a text that is too long before any request, by its name, with tokens, limit and its start', async () => {
    const provider = fakeProvider({ limits: { maxInputTokens: 100 } })
    const long = `${'word '.repeat(100)}end`
    const result = embedTexts(provider, ['fine', long], 'document', { label: i => `document kb-${i}` })
    await expect(result).rejects.toMatchObject({
      code: 'PROVIDER_INPUT',
      message: expect.stringContaining(
        `fake/model cannot embed document kb-1 ("${long.slice(0, 60)}"...): it has 101 tokens, the limit is 100`,
      ),
    })
    expect(provider.calls).toEqual([])
  })

  it('takes a text of exactly the limit', async () => {
    const provider = fakeProvider({ limits: { maxInputTokens: 2 } })
    expect((await embedTexts(provider, ['a b'], 'document')).stats.misses).toBe(1)
  })

  it('names the others too, so that one run finds them all', async () => {
    const provider = fakeProvider({ limits: { maxInputTokens: 1 } })
    const texts = Array.from({ length: 9 }, (_, i) => `a ${i}`)
    const error = await embedTexts(provider, texts, 'document').catch((e: unknown) => e)
    expect(error).toMatchObject({
      message: expect.stringContaining('texts[1], texts[2], texts[3], texts[4], texts[5] and 3 more'),
      details: { count: 9, texts: texts.map((_, i) => `texts[${i}]`) },
    })
  })

  it('does not cut the start of a text inside a character', async () => {
    const provider = fakeProvider({ limits: { maxInputTokens: 1 } })
    await expect(embedTexts(provider, [`x${'😀'.repeat(80)} y`], 'document')).rejects.toThrow(`"x${'😀'.repeat(59)}"...`)
  })
})

describe('embedTexts and answers that are wrong', () => {
  const answer = (...vectors: unknown[]) => fakeProvider({ script: () => vectors as Float32Array[] })
  it.each([
    ['too few vectors', answer(Float32Array.of(1)), /fake\/model answered with 1 vectors for 2 texts, from texts\[0\]/],
    ['no vector at all', answer(), /0 vectors for 2 texts/],
    ['a hole', answer(Float32Array.of(1), undefined), /no vector for texts\[1\]/],
    ['an empty vector', answer(Float32Array.of(1), new Float32Array(0)), /no vector for texts\[1\]/],
    ['plain numbers', answer([1, 2], [1, 2]), /no vector for texts\[0\]/],
    ['unequal lengths', answer(Float32Array.of(1, 2), Float32Array.of(1)), /1 values for texts\[1\], expected 2/],
    ['not a number', answer(Float32Array.of(1, 2), Float32Array.of(1, Number.NaN)), /NaN at position 1 .*texts\[1\]/],
    ['infinity', answer(Float32Array.of(Number.POSITIVE_INFINITY), Float32Array.of(1)), /Infinity at position 0 .*texts\[0\]/],
  ])('refuses %s and stores nothing of it', async (_, provider, message) => {
    const cache = memoryCache()
    const result = embedTexts(provider, ['a', 'b'], 'document', { cache, sleep })
    await expect(result).rejects.toMatchObject({
      code: 'PROVIDER_RESPONSE',
      message: expect.stringMatching(message),
    })
    expect(provider.calls).toHaveLength(1)
    expect(cache.get('fake/model|document', [hashText('a'), hashText('b')])).toEqual([undefined, undefined])
  })

  it('refuses vectors of another length than the provider announced or the first request had', async () => {
    const message = (expected: number) => new RegExp(`3 values for texts\\[\\d\\], expected ${expected}`)
    await expect(embedTexts(fakeProvider({ dimensions: 4 }), ['a'], 'query')).rejects.toThrow(message(4))
    const changing = fakeProvider({
      limits: { maxInputs: 1 },
      script: n => (n === 1 ? [Float32Array.of(1, 2)] : undefined),
    })
    await expect(embedTexts(changing, ['a', 'b'], 'query')).rejects.toThrow(message(2))
  })
})

describe('embedTexts and requests that fail', () => {
  const texts = ['a a a', 'b b b', 'c c', 'd d', 'e', 'f']

  it('tries again, counts it, and gives the same vectors', async () => {
    const provider = fakeProvider({
      script: n => {
        if (n === 1 || n === 3) throw requestError(true)
        return undefined
      },
    })
    const reasons: string[] = []
    const { vectors, stats } = await embedTexts(provider, texts, 'document', {
      sleep,
      onRetry: info => reasons.push(info.reason),
    })
    expect(vectors).toEqual(matrixOf(...texts))
    expect(stats).toMatchObject({ requests: 5, retries: 2, tokens: 12 })
    expect(reasons).toEqual(['the service said no', 'the service said no'])
  })

  it('stops at a final error, keeps what was finished, and a second run pays only for the rest', async () => {
    const cache = memoryCache()
    const failing = fakeProvider({
      script: n => {
        if (n === 2) throw requestError(false)
        return undefined
      },
    })
    await expect(embedTexts(failing, texts, 'document', { cache, sleep })).rejects.toMatchObject({
      code: 'PROVIDER_REQUEST',
    })
    expect(failing.calls).toHaveLength(2)
    const provider = fakeProvider()
    const { vectors, stats } = await embedTexts(provider, texts, 'document', { cache })
    expect(stats).toMatchObject({ hits: 2, misses: 4, requests: 2 })
    expect(provider.calls.flatMap(c => c.texts)).toEqual(['c c', 'd d', 'e', 'f'])
    expect(vectors).toEqual(matrixOf(...texts))
  })

  it('waits for the requests in flight and stores them, since they are paid for, but starts none', async () => {
    const cache = memoryCache()
    let release = () => {}
    const slow = new Promise<undefined>(resolve => {
      release = () => resolve(undefined)
    })
    const provider = fakeProvider({
      limits: { maxConcurrency: 2 },
      script: n => {
        if (n === 1) return slow
        setTimeout(release, 20)
        throw requestError(false)
      },
    })
    const result = embedTexts(provider, texts, 'document', { cache, sleep })
    await expect(result).rejects.toMatchObject({ code: 'PROVIDER_REQUEST' })
    expect(provider.calls).toHaveLength(2)
    expect(provider.calls[0].options?.signal).toBeUndefined()
    const found = cache.get('fake/model|document', texts.map(hashText))
    expect(found.map(v => v !== undefined)).toEqual([true, true, false, false, false, false])
  })

  it('does not keep a failed run waiting for the next attempt of another request', async () => {
    const started = performance.now()
    const provider = fakeProvider({
      limits: { maxConcurrency: 2 },
      script: async n => {
        if (n === 1) throw requestError(true, 60_000)
        await new Promise(resolve => setTimeout(resolve, 20))
        throw requestError(false)
      },
    })
    const result = embedTexts(provider, texts, 'document')
    await expect(result).rejects.toMatchObject({ details: { retryable: false } })
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(provider.calls).toHaveLength(2)
  })

  it('stops when the cache cannot store, because the run could not be resumed', async () => {
    const cache = {
      ...memoryCache(),
      set() {
        throw new Error('disk full')
      },
    }
    const provider = fakeProvider()
    await expect(embedTexts(provider, texts, 'document', { cache })).rejects.toThrow('disk full')
    expect(provider.calls).toHaveLength(1)
  })
})

describe('embedTexts that is aborted', () => {
  const aborted = { code: 'ABORTED', cause: 'enough' }

  it('before it starts sends nothing', async () => {
    const provider = fakeProvider()
    const result = embedTexts(provider, ['a'], 'query', { signal: AbortSignal.abort('enough') })
    await expect(result).rejects.toMatchObject(aborted)
    expect(provider.calls).toEqual([])
  })

  it('in a request passes the signal on, stores what was finished and starts no more', async () => {
    const cache = memoryCache()
    const controller = new AbortController()
    const provider = fakeProvider({
      limits: { maxInputs: 1 },
      script: (n, { options }) => {
        if (n === 1) return undefined
        return new Promise((_, reject) => {
          options!.signal!.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')))
          setImmediate(() => controller.abort('enough'))
        })
      },
    })
    const result = embedTexts(provider, ['a a', 'b', 'c'], 'document', { cache, signal: controller.signal })
    await expect(result).rejects.toMatchObject(aborted)
    expect(provider.calls).toHaveLength(2)
    expect(cache.get('fake/model|document', [hashText('a a')])).toEqual([vectorOf('a a')])
  })

  it('between two attempts ends the wait', async () => {
    const controller = new AbortController()
    const provider = fakeProvider({
      script: () => {
        throw requestError(true, 60_000)
      },
    })
    const started = performance.now()
    const result = embedTexts(provider, ['a'], 'document', {
      signal: controller.signal,
      onRetry: () => setTimeout(() => controller.abort('enough'), 10),
    })
    await expect(result).rejects.toMatchObject(aborted)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('after its last request still gives its result', async () => {
    const controller = new AbortController()
    const { stats } = await embedTexts(fakeProvider(), ['a'], 'document', {
      signal: controller.signal,
      onProgress: p => p.done === p.total && controller.abort(),
    })
    expect(stats.misses).toBe(1)
  })
})
