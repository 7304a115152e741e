import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CompletionCache } from '../../src/cache/cache.js'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { estimateGeneration, type GenerateOptions, generateQuestions } from '../../src/generate/generate-questions.js'
import { createChatModel } from '../../src/generate/llm/index.js'
import { chunkIn, completion, type FakeChatOptions, promptOf, type Say, startFakeChat } from '../helpers/fake-chat.js'
import type { FakeService } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'
import { numberedChunks } from './chunks.js'

const KEY = 'sk-test-0123456789abcdefghijklmnop'
const services: FakeService[] = []
afterEach(async () => {
  for (const service of services.splice(0)) await service.close()
})
beforeAll(() => {
  vi.stubEnv('OPENAI_API_KEY', '')
  vi.stubEnv('OPENAI_BASE_URL', '')
  return () => vi.unstubAllEnvs()
})
const folder = mkdtempSync(join(tmpdir(), 'generate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function serve(options: Partial<FakeChatOptions> = {}): Promise<FakeService> {
  const service = await startFakeChat({ say: good, ...options })
  services.push(service)
  return service
}

/** Two good questions a chunk. */
const good: Say = prompt => ({ questions: questionsFor(chunkIn(prompt)) })
const questionsFor = (i: number) => [`How is valve number ${i} opened?`, `lever setting ${i}`]

const memory = (): CompletionCache & { readonly answers: Map<string, string> } => {
  const answers = new Map<string, string>()
  const name = (key: Uint8Array) => Buffer.from(key).toString('hex')
  return { answers, get: key => answers.get(name(key)), set: (key, _, answer) => void answers.set(name(key), answer) }
}

const quick: GenerateOptions = { sleep: async () => {}, retries: 2, random: () => 0 }
const modelAt = (service: FakeService, more = {}) => createChatModel('openai', { baseUrl: service.url, model: 'm', ...more })

async function generate(service: FakeService, count: number, options: GenerateOptions = {}) {
  return generateQuestions(numberedChunks(count), await modelAt(service), { ...quick, ...options })
}
const textsOf = ({ questions }: { questions: readonly { text: string }[] }) => questions.map(({ text }) => text)
const reasons = (dropped: readonly { reason: string }[]) => dropped.map(({ reason }) => reason)

describe('what is sent', () => {
  test('is one message a chunk, with the schema of the answer', async () => {
    const service = await serve()
    await generate(service, 2, { concurrency: 1 })
    expect(service.requests).toHaveLength(2)
    const { body, path } = service.requests[0]
    expect(path).toBe('/v1/chat/completions')
    expect(Object.keys(body).sort()).toEqual(['messages', 'model', 'response_format'])
    expect(body).toMatchObject({
      model: 'm',
      messages: [{ role: 'user' }],
      response_format: { type: 'json_schema', json_schema: { strict: true, schema: { required: ['questions'] } } },
    })
    expect(promptOf(service.requests[0])).toContain('This is chunk-0 of the manual')
  })

  test('is sent so many at a time as asked for', async () => {
    const service = await serve({ latencyMs: 15 })
    await generate(service, 12, { concurrency: 3 })
    expect(service.peakConcurrency).toBe(3)
    const one = await serve({ latencyMs: 5 })
    await generate(one, 4, { concurrency: 1 })
    expect(one.peakConcurrency).toBe(1)
  })

  test('asks once for chunks of the same text', async () => {
    const service = await serve()
    const chunks = [...numberedChunks(2), ...numberedChunks(2)]
    const { questions, stats } = await generateQuestions(chunks, await modelAt(service), quick)
    expect(service.requests).toHaveLength(2)
    expect(stats.chunks).toBe(2)
    expect(questions).toHaveLength(4)
  })
})

describe('what comes back', () => {
  test('is in the order of the chunks, whatever the order of the answers', async () => {
    const say: Say = prompt => good(prompt, undefined as never)
    const fast = await generate(await serve({ say }), 9, { concurrency: 1 })
    let n = 0
    const slow = await startFakeChat({ say })
    services.push(slow)
    const model = await modelAt(slow)
    const complete = model.complete.bind(model)
    const shuffled = {
      ...model,
      complete: async (request: Parameters<typeof complete>[0]) => {
        await new Promise(resolve => setTimeout(resolve, (n++ % 3) * 20))
        return complete(request)
      },
    }
    const other = await generateQuestions(numberedChunks(9), shuffled, { ...quick, concurrency: 4 })
    expect(other.questions).toEqual(fast.questions)
    expect(textsOf(fast).slice(0, 2)).toEqual(questionsFor(0))
    expect(fast.questions[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      text: questionsFor(0)[0],
      chunk: numberedChunks(1)[0].id,
    })
  })

  test('is the right set, whatever the model puts around it', async () => {
    const answers = [
      `Here are 2 questions:\n1. ${questionsFor(0)[0]}\n2. ${questionsFor(0)[1]}`,
      "I'm sorry, but I can't help with that.",
      { questions: [...questionsFor(2), 'a third one too many', 'and a fourth'] },
      `{"questions": ["${questionsFor(3)[0]}", "${questionsFor(3)[1]}", "What ab`,
      `\`\`\`json\n["${questionsFor(4)[0]}", "${questionsFor(4)[1]}"]\n\`\`\``,
      `**Question 1:** "${questionsFor(5)[0]}"\n\nQuestion 2: ${questionsFor(5)[1]}\n\nI hope this helps!`,
      { questions: [questionsFor(6)[0]] },
      {
        questions: [questionsFor(7)[0], `${questionsFor(7)[0].toUpperCase()} `, questionsFor(0)[1], 'What does the passage say?'],
      },
      { questions: ['This is chunk-8 of the manual: lever 8 opens valve 56.', questionsFor(8)[1], '?'] },
      { questions: [] },
    ]
    const { questions, dropped, stripped, failed } = await generate(await serve({ say: prompt => answers[chunkIn(prompt)] }), 10)
    expect(failed).toEqual([])
    expect(textsOf({ questions })).toEqual([
      ...questionsFor(0),
      ...questionsFor(2),
      ...questionsFor(3),
      ...questionsFor(4),
      ...questionsFor(5),
      questionsFor(6)[0],
      questionsFor(7)[0],
      questionsFor(8)[1],
    ])
    expect(reasons(dropped)).toEqual([
      'preamble',
      'refusal',
      'surplus',
      'surplus',
      'preamble',
      'duplicate',
      'duplicate',
      'self-reference',
      'verbatim',
      'empty',
    ])
    expect(stripped).toBe(4)
    expect(dropped[0]).toEqual({ chunk: numberedChunks(1)[0].id, text: 'Here are 2 questions:', reason: 'preamble' })
  })

  test.each([
    ['refusal of its own', completion('', { role: 'assistant', content: null, refusal: 'No.' }, 'stop')],
    ["content filter's stop", completion('', { role: 'assistant', content: 'How do' }, 'content_filter')],
  ])("a service's %s is one refusal", async (_, answer) => {
    const { questions, dropped, failed } = await generate(await serve({ script: [answer] }), 1)
    expect([questions, failed]).toEqual([[], []])
    expect(reasons(dropped)).toEqual(['refusal'])
  })
})

describe('structured answers', () => {
  test('are given up where the server refuses them, for good', async () => {
    const service = await serve({ plainOnly: true })
    const { questions, stats } = await generate(service, 5, { concurrency: 1 })
    expect(questions).toHaveLength(10)
    expect(service.requests.map(({ body }) => 'response_format' in body)).toEqual([true, false, false, false, false, false])
    expect(stats).toMatchObject({ requests: 6, retries: 0 })
  })

  test('are asked for again after a prompt that is refused either way', async () => {
    const refuseFirst: Say = (prompt, request) =>
      chunkIn(prompt) === 0 ? { status: 400, body: { error: { message: 'too long' } } } : good(prompt, request)
    const service = await serve({ say: refuseFirst })
    const { failed, questions } = await generate(service, 2, { concurrency: 1 })
    expect(service.requests.map(({ body }) => 'response_format' in body)).toEqual([true, false, true])
    expect(failed.map(({ chunk, error }) => [chunk.source.file, error.message])).toEqual([
      ['0.md', expect.stringMatching(/HTTP 400: too long\. The prompt may be too long/)],
    ])
    expect(textsOf({ questions })).toEqual(questionsFor(1))
  })
})

describe('failures that pass', () => {
  const cutJson = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"choices": [' }
  const empty = completion('', { role: 'assistant', content: '' }, 'length')
  test.each([
    ['a 500', { status: 500, body: 'oops' }],
    ['a 503', { status: 503 }],
    ['a dropped connection', 'drop'],
    ['an answer that is cut', 'cut'],
    ['JSON that is none', cutJson],
    ['a page instead of JSON', { status: 200, body: '<html>hello</html>' }],
    ['an answer without text', empty],
    ['a list without choices', { status: 200, body: { choices: [] } }],
  ] as const)('%s is asked for again', async (_, answer) => {
    const service = await serve({ script: [answer, answer] })
    const { questions, failed, stats } = await generate(service, 3, { concurrency: 1 })
    expect(failed).toEqual([])
    expect(questions).toHaveLength(6)
    expect(stats).toMatchObject({ requests: 5, retries: 2 })
  })

  test('a 429 is waited for as long as it asks', async () => {
    const waits: number[] = []
    const service = await serve({
      script: [{ status: 429, headers: { 'retry-after': '7' }, body: { error: { message: 'slow' } } }],
    })
    const { questions } = await generate(service, 1, { sleep: async ms => void waits.push(ms) })
    expect(waits).toEqual([7000])
    expect(questions).toHaveLength(2)
  })

  test('a hang is ended by the timeout, and asked for again', async () => {
    const service = await serve({ script: ['hang', 'stall'] })
    const model = await modelAt(service, { timeoutMs: 150 })
    const { questions, stats } = await generateQuestions(numberedChunks(1), model, quick)
    expect(questions).toHaveLength(2)
    expect(stats).toMatchObject({ requests: 3, retries: 2 })
  })
})

describe('a chunk that fails for good', () => {
  const failSecond: Say = (prompt, request) =>
    chunkIn(prompt) === 1 ? { status: 500, body: { error: { message: 'broken' } } } : good(prompt, request)

  test('is listed, shifts no other, and is all that a rerun asks for', async () => {
    const completions = memory()
    const service = await serve({ say: failSecond })
    const first = await generate(service, 4, { completions })
    expect(first.failed.map(({ chunk }) => chunk.source.file)).toEqual(['1.md'])
    const chunks = numberedChunks(4)
    for (const { text, chunk } of first.questions) {
      expect(questionsFor(chunks.findIndex(({ id }) => id === chunk))).toContain(text)
    }
    expect(first.questions).toHaveLength(6)

    const well = await serve()
    const second = await generate(well, 4, { completions })
    expect(well.requests.map(request => chunkIn(promptOf(request)))).toEqual([1])
    expect(second.failed).toEqual([])
    expect(second.stats).toMatchObject({ cached: 3, requests: 1 })
    expect(second.questions).toEqual((await generate(await serve(), 4)).questions)
  })

  test('ten in a row end the run, with what was answered kept', async () => {
    const completions = memory()
    const down: Say = (prompt, request) => (chunkIn(prompt) < 3 ? good(prompt, request) : { status: 500 })
    const service = await serve({ say: down })
    const error = await rejection(generate(service, 40, { completions, concurrency: 2, retries: 0 }))
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.message).toMatch(/HTTP 500.*3 of 40 answers are in the cache\. Run again/)
    expect(service.requests.length).toBeLessThan(16)
    expect(completions.answers.size).toBe(3)
  })
})

describe('what concerns every chunk ends the run at once', () => {
  test.each([
    ['a wrong key', { status: 401, body: { error: { message: 'bad key' } } }],
    ['a model that is not there', { status: 404, body: { error: { message: 'no such model' } } }],
    ['credit that is used up', { status: 429, body: { error: { message: 'pay', code: 'insufficient_quota' } } }],
    ['a wait of a day', { status: 429, headers: { 'retry-after': '86400' }, body: { error: { message: 'tomorrow' } } }],
  ])('%s', async (_, answer) => {
    const service = await serve({ script: [answer] })
    const error = await rejection(generate(service, 30, { concurrency: 1 }))
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(service.requests).toHaveLength(1)
  })

  test('a key that is missing, before any request', async () => {
    expect(await rejection(createChatModel('openai'))).toMatchObject({
      code: 'PROVIDER_KEY',
      message: expect.stringMatching(/OPENAI_API_KEY.*createChatModel/),
    })
  })

  test('a cache that cannot be written', async () => {
    const completions = {
      ...memory(),
      set: () => {
        throw new Error('disk full')
      },
    }
    await expect(generate(await serve(), 5, { completions })).rejects.toThrow('disk full')
  })
})

describe('the cache', () => {
  test('answers what it was asked before, and nothing else', async () => {
    const completions = memory()
    await generate(await serve(), 3, { completions })
    const again = await serve()
    const { stats, questions } = await generate(again, 3, { completions })
    expect(again.requests).toEqual([])
    expect(stats).toMatchObject({ cached: 3, requests: 0, inputTokens: 0, outputTokens: 0, cost: 0 })
    expect(questions).toHaveLength(6)
    const others: [GenerateOptions, object][] = [
      [{ questions: 3 }, {}],
      [{ template: '{n}: {context}' }, {}],
      [{ styles: ['misspelled'] }, {}],
      [{}, { model: 'other' }],
    ]
    for (const [options, more] of others) {
      const service = await serve()
      await generateQuestions(numberedChunks(3), await modelAt(service, more), { ...quick, completions, ...options })
      expect(service.requests).toHaveLength(3)
    }
  })

  test('tells the same model name at another host apart', async () => {
    const keyOf = async (baseUrl?: string) => (await createChatModel('openai', { baseUrl, model: 'm', apiKey: KEY })).cacheKey
    const keys = await Promise.all([keyOf(), keyOf('http://localhost:1/v1'), keyOf('http://gpu-box:1/v1')])
    expect(new Set(keys).size).toBe(3)
    expect(await keyOf('http://127.0.0.1:2/v1')).toBe(keys[1])
    expect(keys.join()).not.toContain(KEY)
  })

  test('keeps an answer that holds no question: it was paid for', async () => {
    const completions = memory()
    await generate(await serve({ say: () => 'I am sorry, I cannot help.' }), 2, { completions })
    const again = await serve()
    const { dropped } = await generate(again, 2, { completions })
    expect(again.requests).toEqual([])
    expect(reasons(dropped)).toEqual(['refusal', 'refusal'])
  })

  test('holds every answer when it is counted', async () => {
    const completions = memory()
    const seen: [number, number][] = []
    await generate(await serve(), 6, {
      completions,
      onProgress: ({ done }) => seen.push([done, completions.answers.size]),
    })
    expect(seen).toHaveLength(7)
    for (const [done, stored] of seen) expect(stored).toBeGreaterThanOrEqual(done)
    expect(seen.at(-1)).toEqual([6, 6])
  })
})

test('the key is in no error, no answer and no byte of the cache, also where the service quotes it', async () => {
  const file = join(folder, 'key.sqlite')
  const cache = await openCache(file)
  const echo: Say = (prompt, { headers }) => {
    const i = chunkIn(prompt)
    if (i === 1) return { status: 500, body: { error: { message: `failed with ${headers.authorization}` } } }
    return { questions: [`How is ${headers.authorization} opened?`, questionsFor(i)[1]] }
  }
  const service = await serve({ say: echo })
  const model = await modelAt(service, { apiKey: KEY })
  const result = await generateQuestions(numberedChunks(3), model, { ...quick, completions: cache.completions })
  cache.close()
  expect(service.requests[0].headers.authorization).toBe(`Bearer ${KEY}`)
  expect(result.questions[0].text).toBe('How is Bearer [redacted] opened?')
  expect(result.failed[0].error.message).toMatch(/HTTP 500: failed with/)
  const everything = JSON.stringify([
    result,
    result.failed.map(({ error }) => [error.message, error.stack, error.details, error.cause]),
  ])
  for (const text of [everything, readFileSync(file, 'latin1'), model.id, String(model.cacheKey)]) {
    expect(text).not.toContain(KEY)
    expect(text).not.toContain(KEY.slice(3, 20))
  }
  const wrong = await serve({ apiKey: 'sk-right' })
  const error = await rejection(generateQuestions(numberedChunks(3), await modelAt(wrong, { apiKey: KEY }), quick))
  expect(error.message).toMatch(/HTTP 401: Incorrect API key provided: .*OPENAI_API_KEY/)
  for (const part of [KEY, KEY.slice(0, 8), KEY.slice(-4)]) expect(error.message).not.toContain(part)
})

describe('an abort', () => {
  test('stops requests in flight, and keeps what is finished', async () => {
    const completions = memory()
    const abort = new AbortController()
    const service = await serve({ latencyMs: 30 })
    const running = generate(service, 20, {
      completions,
      concurrency: 2,
      signal: abort.signal,
      onProgress: ({ done }) => done === 4 && abort.abort(),
    })
    expect((await rejection(running)).code).toBe('ABORTED')
    expect(service.requests.length).toBeLessThan(9)
    expect(completions.answers.size).toBeGreaterThanOrEqual(4)
    expect(completions.answers.size).toBeLessThan(7)
  })

  test('ends the wait before a retry', async () => {
    const abort = new AbortController()
    const service = await serve({ script: [{ status: 429, headers: { 'retry-after': '60' } }] })
    const running = generateQuestions(numberedChunks(1), await modelAt(service), {
      signal: abort.signal,
      onRetry: () => setTimeout(() => abort.abort(), 20),
    })
    const started = performance.now()
    expect((await rejection(running)).code).toBe('ABORTED')
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('cost', () => {
  const priced = async (service: FakeService, price = { input: 1, output: 10 }) => modelAt(service, { price })

  test('is estimated before anything is sent, for what the cache does not have', async () => {
    const service = await serve()
    const model = await priced(service)
    const completions = memory()
    const all = await estimateGeneration(numberedChunks(4), model, { completions })
    expect(service.requests).toEqual([])
    expect(all).toMatchObject({ chunks: 4, cached: 0, missing: 4, outputTokens: 4 * 70 })
    expect(all.cost).toBeCloseTo((all.inputTokens + 10 * all.outputTokens) / 1e6, 12)
    await generateQuestions(numberedChunks(3), model, { ...quick, completions })
    const rest = await estimateGeneration(numberedChunks(4), model, { completions })
    expect(rest).toMatchObject({ cached: 3, missing: 1, outputTokens: 70 })
    expect(rest.inputTokens).toBeGreaterThan(200)
    expect(rest.inputTokens).toBeLessThan(500)
  })

  test('of the bill is that of the tokens the service names', async () => {
    const service = await serve({
      say: () => completion('x'.repeat(1000), { role: 'assistant', content: '["a b", "c d"]' }, 'stop'),
    })
    const { stats } = await generateQuestions(numberedChunks(2), await priced(service), quick)
    expect(stats).toMatchObject({ inputTokens: 2000, outputTokens: 28, cost: (2000 + 280) / 1e6 })
  })

  test('above the limit is refused before the first request', async () => {
    const service = await serve()
    const error = await rejection(generateQuestions(numberedChunks(4), await priced(service), { ...quick, maxCost: 0.001 }))
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/estimate is \$0\.00\d+ for 4 chunks, above the limit of \$0\.001.*No request was sent/),
    })
    expect(service.requests).toEqual([])
  })

  test('that is not known is refused with a limit, and said to be unknown without', async () => {
    const model = await createChatModel('openai', { baseUrl: 'https://gateway.example.com/v1', model: 'gpt-4o-mini' })
    expect(model.price).toBeUndefined()
    const error = await rejection(generateQuestions(numberedChunks(4), model, { maxCost: 5 }))
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/the price of openai\/gpt-4o-mini is not known.*No request was sent/),
    })
    expect(await estimateGeneration(numberedChunks(4), model)).not.toHaveProperty('cost')
  })

  test('that turns out higher than the limit stops the run', async () => {
    const dear: Say = prompt => completion(prompt, { role: 'assistant', content: 'long '.repeat(400) }, 'stop')
    const service = await serve({ say: dear })
    const completions = memory()
    const options = { ...quick, completions, concurrency: 1, maxCost: 0.04 }
    const error = await rejection(generateQuestions(numberedChunks(20), await priced(service), options))
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/have cost \$0\.04\d+.*limit of \$0\.04.*2 of 20 answers are in the cache/),
    })
    expect(service.requests).toHaveLength(2)
  })

  test.each([
    ['http://localhost:11434/v1', 0],
    ['http://127.0.0.1:8000/v1', 0],
    ['http://[::1]:8000/v1', 0],
    ['http://192.168.1.7:8000/v1', 0],
    ['http://ollama:11434/v1', 0],
    ['http://host.docker.internal:11434/v1', 0],
    ['https://api.openai.com/v1', 0.15],
    ['https://10.example.com/v1', undefined],
    ['https://172.200.0.1/v1', undefined],
    ['https://openrouter.ai/api/v1', undefined],
  ])('a million tokens for %s cost %s', async (baseUrl, input) => {
    const { price } = await createChatModel('openai', { baseUrl, model: 'gpt-4o-mini', apiKey: KEY })
    expect(price?.input).toBe(input)
  })
})

test.each([
  [{ questions: 0 }, /questions: expected a whole number of at least 1, found 0/],
  [{ concurrency: 0 }, /concurrency/],
  [{ retries: -1 }, /retries/],
  [{ seed: 0.5 }, /seed/],
  [{ maxCost: Number.NaN }, /maxCost: expected US dollars, at least 0, found NaN/],
  [{ template: 'x' }, /no \{context\} and no \{n\}/],
  [
    { template: '{n} {context}', styles: ['keyword'] as const },
    /styles cannot be used with a prompt template without \{styles\}/,
  ],
])('%j is refused before any request', async (options, message) => {
  const service = await serve()
  const error = await rejection(generate(service, 2, options as GenerateOptions))
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) })
  expect(service.requests).toEqual([])
})

describe('none', () => {
  test('takes queries from the chunks, and asks nobody', async () => {
    const completions = memory()
    const result = await generateQuestions(numberedChunks(3), await createChatModel('none'), { completions })
    expect(textsOf(result)).toEqual([0, 1, 2].map(i => `This is chunk-${i} of the manual: lever ${i} opens valve ${i * 7}.`))
    expect(result.stats).toEqual({
      chunks: 3,
      cached: 0,
      requests: 0,
      retries: 0,
      inputTokens: 0,
      outputTokens: 0,
      cost: 0,
    })
    expect(result.dropped).toEqual([])
    expect(completions.answers.size).toBe(0)
  })
})

test('an LLM that is not known is named with the nearest', async () => {
  expect(await rejection(createChatModel('opnai'))).toMatchObject({
    code: 'PROVIDER_UNKNOWN',
    message: expect.stringMatching(/did you mean openai/),
  })
})
