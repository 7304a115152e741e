import { afterEach, describe, expect, test } from 'vitest'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { cohere } from '../../src/providers/cohere.js'
import { openai } from '../../src/providers/openai.js'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { fakeVector } from '../helpers/fake-vector.js'

const servers: FakeService[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()))
})

describe('a service under the embedding pipeline', () => {
  test('OpenAI: a 429 is waited out for as long as the service asks, and batches keep to the limits', async () => {
    const server = await startFakeOpenAI({
      script: [{ status: 429, headers: { 'retry-after': '0.2' }, body: {} }, 'drop'],
    })
    servers.push(server)
    const provider = await openai.create({ baseUrl: server.url, maxInputs: 2, concurrency: 2 })
    const waits: number[] = []
    const { vectors } = await embedTexts(provider, ['a', 'b', 'c', 'd', 'e'], 'document', {
      random: () => 0,
      onRetry: ({ delayMs }) => waits.push(delayMs),
    })
    expect([vectors.rows, vectors.cols]).toEqual([5, 8])
    expect(Float32Array.from(vectors.data.subarray(32, 40))).toEqual(fakeVector('e', 8))
    expect(waits.sort((a, b) => a - b)).toEqual([0, 200])
    expect(server.requests).toHaveLength(5)
    expect(server.peakConcurrency).toBeLessThanOrEqual(2)
    expect(server.requests.every(request => request.body.input.length <= 2)).toBe(true)
  })

  test('Cohere: texts go 96 at a time, and a 429 is waited out for as long as the service asks', async () => {
    const server = await startFakeCohere({ script: [{ status: 429, headers: { 'retry-after-ms': '150' }, body: {} }] })
    servers.push(server)
    const provider = await cohere.create({ baseUrl: server.url, concurrency: 1 })
    const waits: number[] = []
    const texts = Array.from({ length: 200 }, (_, i) => `text ${i}`)
    const { vectors } = await embedTexts(provider, texts, 'query', {
      random: () => 0,
      onRetry: ({ delayMs }) => waits.push(delayMs),
    })
    expect([vectors.rows, vectors.cols]).toEqual([200, 8])
    expect(waits).toEqual([150])
    expect(server.requests.map(request => request.body.texts.length)).toEqual([96, 96, 96, 8])
    expect(server.peakConcurrency).toBe(1)
  })
})
