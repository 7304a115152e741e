import { afterAll, describe, expect, test } from 'vitest'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const KEY = 'sk-test-0123456789abcdefghijklmnop'
const services: FakeService[] = []
afterAll(async () => {
  for (const service of services.splice(0)) await service.close()
})
const opened = <T extends FakeService>(service: T): T => {
  services.push(service)
  return service
}

interface Report {
  readonly base: { readonly id: string; readonly dimensions: number }
  readonly cache: { readonly hits: number; readonly misses: number; readonly requests: number; readonly tokens: number }
}

describe.concurrent('openai', () => {
  test('adapter-train --base openai --epochs 4 trains on the files of the current folder, and pays once', async () => {
    const service = opened(await startFakeOpenAI({ apiKey: KEY }))
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(40), 'val_dataset.json': llamaIndex(6, { from: 50 }) })
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: service.url }
    const report = await cliJson<Report>(['--base', 'openai', '--epochs', '4', '--tune', 'off'], { cwd, env })

    expect(report).toMatchObject({
      adapter: 'adapters/openai-text-embedding-3-small.json',
      base: { id: 'openai/text-embedding-3-small', dimensions: 8 },
      cache: { hits: 0, misses: 86, requests: 2 },
    })
    expect(report.cache.tokens).toBeGreaterThan(86)
    expect(service.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual(
      Array(2).fill(['/v1/embeddings', `Bearer ${KEY}`]),
    )
    expect(service.requests.map(({ body }) => ({ ...body, input: body.input.length }))).toEqual([
      { model: 'text-embedding-3-small', encoding_format: 'base64', input: 46 },
      { model: 'text-embedding-3-small', encoding_format: 'base64', input: 40 },
    ])

    const again = await cliJson<Report>(['--base', 'openai', '--epochs', '4', '--tune', 'off'], { cwd, env })
    expect(again.cache).toEqual({ hits: 86, misses: 0, requests: 0, tokens: 0 })
    expect(service.requests).toHaveLength(2)
  })

  test('--base-url wins over OPENAI_BASE_URL, --dimensions and prefixes are sent, and batches keep to --batch-inputs', async () => {
    const [service, other] = [opened(await startFakeOpenAI()), opened(await startFakeOpenAI())]
    const cwd = folderWith({ 'd.json': llamaIndex(10) })
    const args = ['evaluate', '--data', 'd.json', '--base', 'openai', '--base-url', service.url, '--model', 'nomic']
    const more = ['--dimensions', '4', '--batch-inputs', '4', '--query-prefix', 'query: ', '--concurrency', '1']
    await cliJson([...args, ...more], { cwd, env: { OPENAI_BASE_URL: other.url } })
    expect(other.requests).toEqual([])
    expect(service.requests.map(({ body }) => body.input.length)).toEqual([4, 4, 2, 4, 4, 2])
    expect(service.requests.map(({ body }) => [body.model, body.dimensions])).toEqual(Array(6).fill(['nomic', 4]))
    const texts: string[] = service.requests.flatMap(({ body }) => body.input)
    expect(texts.filter(text => text.startsWith('query: how to'))).toHaveLength(10)
    expect(texts.filter(text => text.startsWith('Mending'))).toHaveLength(10)
    expect(service.peakConcurrency).toBe(1)
  })

  test('a 429 with Retry-After is waited for, sent again, and reported on stderr', async () => {
    const busy = { status: 429, headers: { 'retry-after': '1' }, body: { error: { message: 'Slow down, please' } } }
    const service = opened(await startFakeOpenAI({ script: [busy] }))
    const cwd = folderWith({ 'd.json': llamaIndex(6) })
    const started = performance.now()
    const args = ['evaluate', '--data', 'd.json', '--base', 'openai', '--base-url', service.url, '--quiet']
    const { code, stderr } = await cli(args, { cwd })
    expect(code).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(1000)
    expect(service.requests).toHaveLength(3)
    expect(stderr).toMatch(/^warning: request failed \(attempt 1 of 6\), next try in [12]\.\d s: .*HTTP 429.*Slow down, please/)
  })

  test('a refused key fails at once with the words of the service, and the key is nowhere', async () => {
    const service = opened(await startFakeOpenAI({ apiKey: 'sk-right' }))
    const cwd = folderWith({ 'd.json': llamaIndex(6) })
    const env = { OPENAI_API_KEY: KEY }
    const args = ['evaluate', '--data', 'd.json', '--base', 'openai', '--base-url', service.url, '--json']
    const { code, stdout, stderr } = await cli(args, { cwd, env })
    expect(code).toBe(1)
    const { error } = JSON.parse(stdout)
    expect(error.code).toBe('PROVIDER_REQUEST')
    expect(error.message).toMatch(/HTTP 401: Incorrect API key provided: .*OPENAI_API_KEY/)
    expect(stderr).toContain(error.message)
    expect(service.requests).toHaveLength(1)
    for (const part of [KEY, KEY.slice(0, 8), KEY.slice(-4)]) expect(stdout + stderr).not.toContain(part)
  })

  test.each([
    ['openai', /Set OPENAI_API_KEY/],
    ['cohere', /Set CO_API_KEY or COHERE_API_KEY/],
  ])('without a key %s names the variable and sends nothing', async (base, message) => {
    const cwd = folderWith({ 'd.json': llamaIndex(6) })
    const { code, stdout } = await cli(['evaluate', '--data', 'd.json', '--base', base, '--json'], { cwd })
    expect(code).toBe(1)
    const { error } = JSON.parse(stdout)
    expect(error).toEqual({ code: 'PROVIDER_KEY', message: expect.stringMatching(message) })
  })

  test('a model behind the address that gives vectors of another length than the adapter fails with ADAPTER_MISMATCH', async () => {
    const [eight, six] = [opened(await startFakeOpenAI()), opened(await startFakeOpenAI({ dimensions: 6 }))]
    const cwd = folderWith({ 'd.json': llamaIndex(30) })
    const base = ['--base', 'openai', '--cache', 'none']
    await cliJson(['--train', 'd.json', '--out', 'a.json', ...base, '--base-url', eight.url], { cwd })
    const args = ['evaluate', '--data', 'd.json', '--adapter', 'a.json', ...base, '--base-url', six.url, '--json']
    const { code, stdout } = await cli(args, { cwd })
    expect(code).toBe(1)
    expect(JSON.parse(stdout).error.message).toMatch(/\b8\b.*\b6\b|\b6\b.*\b8\b/)
  })
})

describe.concurrent('cohere', () => {
  test('sends at most 96 texts a call, queries and documents under their own input type, and pays once', async () => {
    const service = opened(await startFakeCohere({ apiKey: KEY }))
    const cwd = folderWith({ 'd.json': llamaIndex(100) })
    const args = [
      '--train',
      'd.json',
      '--base',
      'cohere',
      '--base-url',
      service.url,
      '--dimensions',
      '256',
      '--epochs',
      '1',
      '--tune',
      'off',
    ]
    const report = await cliJson<Report>(args, { cwd, env: { CO_API_KEY: KEY } })
    expect(report).toMatchObject({
      base: { id: 'cohere/embed-v4.0@256', dimensions: 256 },
      cache: { misses: 200, requests: 4 },
    })
    const calls = service.requests.map(({ path, body: { texts, ...rest } }) => ({ path, texts: texts.length, ...rest }))
    const common = { path: '/v2/embed', model: 'embed-v4.0', embedding_types: ['float'], output_dimension: 256 }
    const call = (texts: number, input_type: string) => ({ ...common, truncate: 'NONE', texts, input_type })
    const sizes = (a: { texts: number }, b: { texts: number }) => b.texts - a.texts
    expect(calls.slice(0, 2).sort(sizes)).toEqual([call(96, 'search_query'), call(4, 'search_query')])
    expect(calls.slice(2).sort(sizes)).toEqual([call(96, 'search_document'), call(4, 'search_document')])

    const again = await cliJson<Report>(args, { cwd, env: { CO_API_KEY: KEY } })
    expect(again.cache).toMatchObject({ hits: 200, requests: 0 })
    expect(service.requests).toHaveLength(4)
  })

  test('a refused key fails with the words of the service, and the key is nowhere', async () => {
    const service = opened(await startFakeCohere({ apiKey: 'right' }))
    const cwd = folderWith({ 'd.json': llamaIndex(6) })
    const args = ['embed', 'd.json', '--base', 'cohere', '--base-url', service.url]
    const { code, stdout, stderr } = await cli(args, { cwd, env: { CO_API_KEY: KEY } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/HTTP 401: invalid api token/)
    expect(service.requests).toHaveLength(1)
    expect(stdout + stderr).not.toContain(KEY)
  })
})
