import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { openCache, type SqliteCache } from '../../src/cache/sqlite-cache.js'
import { type GenerateOptions, generateQuestions } from '../../src/generate/generate-questions.js'
import { createChatModel } from '../../src/generate/llm/index.js'
import { numberedChunks } from '../generate/chunks.js'
import { type FakeBatchOptions, startFakeBatchApi } from '../helpers/fake-batch-api.js'
import { chunkIn, startFakeChat } from '../helpers/fake-chat.js'

const KEY = 'sk-test-0123456789abcdef'
const folder = mkdtempSync(join(tmpdir(), 'adapter-train-batch-generate-'))
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const say = (prompt: string): string => {
  const i = chunkIn(prompt)
  return JSON.stringify({ questions: [`How is valve ${7 * i} opened?`, `lever ${i} purpose`] })
}

let files = 0
async function setUp(options: FakeBatchOptions = {}) {
  const api = await startFakeBatchApi({ apiKey: KEY, say, ...options })
  const cache = await openCache(join(folder, `${files++}.sqlite`))
  closing.push(api.close, () => cache.close())
  const model = await createChatModel('openai', { baseUrl: api.url, apiKey: KEY, batchApi: true })
  return { api, cache, model }
}

const optionsOf = (cache: SqliteCache, more: Partial<GenerateOptions['batches']> = {}): GenerateOptions => ({
  completions: cache.completions,
  batches: { store: cache.batches, pollMs: 5, ...more },
  retries: 1,
  sleep: async () => undefined,
})

test('questions are those that single requests would have brought, and a rerun asks nothing', async () => {
  const { api, cache, model } = await setUp()
  const chunks = numberedChunks(10)
  const found = await generateQuestions(chunks, model, optionsOf(cache, { limits: { requests: 4 } }))
  expect(api.batches.map(lines => lines.length)).toEqual([4, 4, 2])
  expect(api.batches[0][0]).toMatchObject({
    url: '/v1/chat/completions',
    body: { response_format: { type: 'json_schema' } },
  })
  expect(found.failed).toEqual([])
  expect(found.stats).toMatchObject({ chunks: 10, cached: 0, requests: 10 })
  expect(found.stats.inputTokens).toBeGreaterThan(0)

  const chat = await startFakeChat({ say })
  closing.push(chat.close)
  const single = await generateQuestions(chunks, await createChatModel('openai', { baseUrl: chat.url }))
  expect(found.questions).toEqual(single.questions)

  const again = await generateQuestions(chunks, model, optionsOf(cache))
  expect(again.questions).toEqual(found.questions)
  expect(again.stats).toMatchObject({ cached: 10, requests: 0, inputTokens: 0 })
  expect(api.batches.length).toBe(3)
})

test('failed requests are failed chunks with their custom id and without the key; a rerun submits only these', async () => {
  let sound = false
  const { api, cache, model } = await setUp({
    fate: ({ body }) => (!sound && chunkIn(body.messages[0].content) % 4 === 1 ? 'error' : 'ok'),
  })
  const chunks = numberedChunks(8)
  const { failed, questions, stats } = await generateQuestions(chunks, model, optionsOf(cache))
  expect(failed.map(({ chunk }) => chunk)).toEqual([chunks[1], chunks[5]])
  expect(failed[0].error.message).toMatch(/HTTP 400: refused for key \[redacted\] \(batch batch_0, request [0-9a-f]{32}\)/)
  expect(failed.map(({ error }) => error.message).join()).not.toContain(KEY)
  expect(new Set(questions.map(({ chunk }) => chunk)).size).toBe(6)
  expect(stats).toMatchObject({ requests: 8, cached: 0 })
  sound = true
  const again = await generateQuestions(chunks, model, optionsOf(cache))
  expect(again.failed).toEqual([])
  expect(api.batches[1].length).toBe(2)
})

test('an answer without text fails its chunk alone', async () => {
  const { cache, model } = await setUp({
    fate: (line, batch) =>
      batch === 0 && /chunk-2/.test(line.body.messages[0].content)
        ? { response: { status_code: 200, body: { choices: [] } } }
        : 'ok',
  })
  const { failed } = await generateQuestions(numberedChunks(4), model, optionsOf(cache))
  expect(failed.map(({ error }) => error.message).join()).toMatch(/has no text/)
})

test('without waiting, what is submitted is collected later, and never submitted again', async () => {
  const { api, cache, model } = await setUp()
  api.held = true
  for (let i = 0; i < 2; i++) {
    await expect(generateQuestions(numberedChunks(5), model, optionsOf(cache, { wait: false }))).rejects.toMatchObject({
      code: 'BATCH_PENDING',
      details: { batches: ['batch_0'], requests: 5 },
    })
  }
  api.held = false
  const { questions, stats } = await generateQuestions(numberedChunks(5), model, optionsOf(cache))
  expect(questions.length).toBe(10)
  expect(stats.requests).toBe(5)
  expect(api.batches.length).toBe(1)
})

test('the estimate and the bill are half of the standard price, and without a cache nothing is submitted', async () => {
  const { api } = await setUp()
  const options = { baseUrl: api.url, apiKey: KEY, price: { input: 2, output: 8 } }
  expect((await createChatModel('openai', { ...options, batchApi: true })).price).toEqual({ input: 1, output: 4 })
  expect((await createChatModel('openai', options)).price).toEqual({ input: 2, output: 8 })
  const model = await createChatModel('openai', { ...options, batchApi: true })
  await expect(generateQuestions(numberedChunks(2), model)).rejects.toMatchObject({ code: 'USAGE' })
  expect(api.calls).toEqual([])
})
