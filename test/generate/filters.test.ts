import { describe, expect, test } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { createJsEngine } from '../../src/engines/js.js'
import { filterNearDuplicates, filterRoundTrip } from '../../src/generate/filter.js'
import { customProvider } from '../../src/providers/custom.js'
import { rejection } from '../helpers/rejection.js'
import { chunkOf } from './chunks.js'

/** A text such as "3,4" is its own vector. */
let asked: string[] = []
const newProvider = () =>
  customProvider({
    id: 'test/numbers',
    embed: texts => {
      asked.push(...texts)
      return texts.map(text => Float32Array.from(text.split(',').map(Number)))
    },
  })
const provider = newProvider()
const engine = createJsEngine()
const chunks = ['1,0', '0.8,0.6', '0,1', '-1,0'].map(text => chunkOf(text))
const question = (text: string, chunk: number, id = text) => ({ id, text, chunk: chunks[chunk].id })

describe('round trip', () => {
  const questions = [question('1,0.1', 0), question('1,0.1', 1, 'second'), question('1,0.1', 2, 'third'), question('0,2', 2)]

  test.each([
    [1, ['1,0.1', '0,2']],
    [2, ['1,0.1', 'second', '0,2']],
    [3, ['1,0.1', 'second', 'third', '0,2']],
    [100, ['1,0.1', 'second', 'third', '0,2']],
  ])('with k = %i keeps the questions whose chunk is among the first k', async (k, ids) => {
    const { kept, dropped } = await filterRoundTrip(questions, chunks, provider, engine, { k })
    expect(kept.map(({ id }) => id)).toEqual(ids)
    expect(dropped.map(({ id, reason }) => [id, reason])).toEqual(
      questions.filter(({ id }) => !ids.includes(id)).map(({ id }) => [id, 'round-trip']),
    )
  })

  test('embeds each text once, out of the cache the second time', async () => {
    const cache = memoryCache()
    asked = []
    await filterRoundTrip(questions, chunks, provider, engine, { cache })
    expect(asked.sort()).toEqual(['-1,0', '0,1', '0,2', '0.8,0.6', '1,0', '1,0.1'])
    await filterRoundTrip(questions, chunks, provider, engine, { cache })
    expect(asked).toHaveLength(6)
  })

  test('of nothing is nothing', async () => {
    expect(await filterRoundTrip([], chunks, provider, engine)).toEqual({ kept: [], dropped: [] })
  })
})

describe('near-duplicates', () => {
  test('drops a question that is like an earlier one of another chunk, and says which', async () => {
    const questions = [
      question('1,0', 0),
      question('1,0.01', 0, 'same chunk'),
      question('1,0.02', 1, 'other chunk'),
      question('0,1', 1),
      question('0.5,1', 2, 'not that near'),
    ]
    const { kept, dropped } = await filterNearDuplicates(questions, provider, engine)
    expect(kept.map(({ id }) => id)).toEqual(['1,0', 'same chunk', '0,1', 'not that near'])
    expect(dropped).toEqual([{ ...questions[2], reason: 'near-duplicate', like: '1,0', similarity: expect.closeTo(0.9998, 4) }])
    const strict = await filterNearDuplicates(questions, provider, engine, { threshold: 0.95 })
    expect(strict.kept).toHaveLength(4)
    const loose = await filterNearDuplicates(questions, provider, engine, { threshold: 0.89 })
    expect(loose.dropped.map(({ id }) => id)).toEqual(['other chunk', 'not that near'])
  })

  test('keeps what is only like a question that is gone itself', async () => {
    const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)].join()
    const questions = [question(at(0), 0, 'a'), question(at(15), 1, 'b'), question(at(30), 2, 'c')]
    const { kept } = await filterNearDuplicates(questions, provider, engine)
    expect(kept.map(({ id }) => id)).toEqual(['a', 'c'])
  })

  test('finds them across blocks, as a comparison of all with all does', async () => {
    const many = Array.from({ length: 2300 }, (_, i) => {
      const angle = ((i * 7919) % 2300) / 40
      return question([Math.cos(angle), Math.sin(angle), (i % 17) / 5].join(), i % 4, `q${i}`)
    })
    const { kept, dropped } = await filterNearDuplicates(many, newProvider(), engine, { threshold: 0.999 })
    const units = many.map(({ text }) => {
      const v = Float32Array.from(text.split(',').map(Number))
      const n = Math.hypot(...v)
      return v.map(x => x / n)
    })
    const expected: number[] = []
    many.forEach((one, i) => {
      const like = expected.some(
        j => many[j].chunk !== one.chunk && units[i].reduce((s, x, d) => s + x * units[j][d], 0) >= 0.999,
      )
      if (!like) expected.push(i)
    })
    expect(kept.map(({ id }) => id)).toEqual(expected.map(i => `q${i}`))
    expect(dropped).toHaveLength(2300 - expected.length)
    expect(dropped.length).toBeGreaterThan(500)
  })

  test('stops when it is told to', async () => {
    const questions = [question('1,0', 0), question('1,0', 1, 'x')]
    const cache = memoryCache()
    await filterNearDuplicates(questions, provider, engine, { cache })
    const { code } = await rejection(filterNearDuplicates(questions, provider, engine, { cache, signal: AbortSignal.abort() }))
    expect(code).toBe('ABORTED')
  })
})
