import { inspect } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openai } from '../../src/providers/openai.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'

const servers: FakeService[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(servers.splice(0).map(server => server.close()))
})

describe('the base URL', () => {
  test('comes from OPENAI_BASE_URL, and may end in a slash', async () => {
    const server = await startFakeOpenAI()
    servers.push(server)
    vi.stubEnv('OPENAI_BASE_URL', `${server.url}/`)
    const provider = await openai.create({})
    await provider.embed(['a'], 'query')
    expect(server.requests[0].path).toBe('/v1/embeddings')
  })

  test.each([
    'http://user:hunter22@localhost:1/v1',
    'https://gateway.example/v1?api-key=hunter22',
    'ftp://user:hunter22@localhost',
    'localhost:hunter22@x',
  ])('is refused without quoting a secret: %s', async baseUrl => {
    const error = await rejection(openai.create({ baseUrl }))
    expect(error.code).toBe('USAGE')
    expect(inspect(error)).not.toContain('hunter22')
  })

  test('is quoted when it is not an address', async () => {
    const error = await rejection(openai.create({ baseUrl: 'localhost:11434/v1' }))
    expect(error.message).toContain('"localhost:11434/v1"')
    expect(error.message).toContain('http://localhost:11434/v1')
  })
})
