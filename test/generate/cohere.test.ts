import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { generateQuestions } from '../../src/generate/generate-questions.js'
import { createChatModel } from '../../src/generate/llm/index.js'
import { chunkIn, promptOf, startFakeCohereChat } from '../helpers/fake-chat.js'
import type { FakeService } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'
import { numberedChunks } from './chunks.js'

const KEY = 'cohere-test-0123456789'
const services: FakeService[] = []
beforeAll(() => {
  vi.stubEnv('CO_API_KEY', '')
  vi.stubEnv('COHERE_API_KEY', '')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const service of services) await service.close()
})
const quick = { sleep: async () => {}, retries: 2, random: () => 0, concurrency: 1 }
const start = async (options: Partial<Parameters<typeof startFakeCohereChat>[0]> = {}) => {
  const say = (prompt: string) => ({
    questions: [`How is valve ${chunkIn(prompt)} opened?`, `lever ${chunkIn(prompt)}`],
  })
  const service = await startFakeCohereChat({ say, ...options })
  services.push(service)
  return service
}
const modelAt = ({ url }: FakeService) => createChatModel('cohere', { baseUrl: url, apiKey: KEY, price: { input: 1, output: 1 } })

test('asks in the shape of the v2 chat, with a schema, and reads text and billed tokens', async () => {
  const service = await start({ apiKey: KEY })
  const { questions, stats } = await generateQuestions(numberedChunks(2), await modelAt(service), quick)
  expect(questions.map(({ text }) => text)).toEqual(['How is valve 0 opened?', 'lever 0', 'How is valve 1 opened?', 'lever 1'])
  expect(stats).toMatchObject({ requests: 2, inputTokens: 22, outputTokens: 14, cost: 36e-6 })
  const { path, headers, body } = service.requests[0]
  expect([path, headers.authorization]).toEqual(['/v2/chat', `Bearer ${KEY}`])
  expect(body).toEqual({
    model: 'command-r-08-2024',
    messages: [{ role: 'user', content: promptOf(service.requests[0]) }],
    response_format: {
      type: 'json_object',
      json_schema: {
        type: 'object',
        properties: { questions: { type: 'array', items: { type: 'string' } } },
        required: ['questions'],
      },
    },
    stream: false,
  })
})

test('leaves the schema away where the model refuses it', async () => {
  const service = await start({ script: [{ status: 400, body: { message: 'response_format is not supported' } }] })
  const { questions } = await generateQuestions(numberedChunks(2), await modelAt(service), quick)
  expect(questions).toHaveLength(4)
  expect(service.requests.map(({ body }) => 'response_format' in body)).toEqual([true, false, false])
})

test('thoughts beside the text are no questions, and an error within a 200 is asked for again', async () => {
  const content = [
    { type: 'thinking', thinking: 'What is 1?' },
    { type: 'text', text: '["valve one", "lever two"]' },
  ]
  const bad = { status: 200, body: { id: '0', finish_reason: 'ERROR', message: { role: 'assistant', content: [] } } }
  const ok = { status: 200, body: { id: '0', finish_reason: 'COMPLETE', message: { role: 'assistant', content } } }
  const service = await start({ script: [bad, ok] })
  const { questions, stats } = await generateQuestions(numberedChunks(1), await modelAt(service), quick)
  expect(questions.map(({ text }) => text)).toEqual(['valve one', 'lever two'])
  expect(stats.retries).toBe(1)
  expect(stats.inputTokens).toBeGreaterThan(100)
})

test('a wrong key ends the run, and is not in the error; without one nothing is sent', async () => {
  const service = await start({ apiKey: 'right' })
  const error = await rejection(generateQuestions(numberedChunks(3), await modelAt(service), quick))
  expect(error.message).toMatch(/cohere \(command-r-08-2024\) answered HTTP 401: invalid api token.*CO_API_KEY/)
  expect(error.message).not.toContain(KEY)
  expect(service.requests).toHaveLength(1)
  expect((await rejection(createChatModel('cohere'))).code).toBe('PROVIDER_KEY')
})
