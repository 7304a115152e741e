import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { decodeAdapter, encodeAdapter } from '../../src/adapters/file.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { createProvider, loadProvider } from '../../src/providers/index.js'
import { PRESETS, type Preset, type PresetName } from '../../src/providers/presets.js'
import type { ProviderOptions } from '../../src/providers/provider.js'
import { baseOf } from '../../src/wrap/recorded-base.js'
import { providerContract } from '../contracts/provider.js'
import { PLAYED, PLAYED_KEY, startFakePreset } from '../helpers/fake-presets.js'
import { fakeServers } from '../helpers/fake-servers.js'
import type { FakeServiceOptions } from '../helpers/fake-service.js'
import { fakeTokens, fakeVector } from '../helpers/fake-vector.js'
import { rejection } from '../helpers/rejection.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const NAMES = Object.keys(PRESETS) as PresetName[]
const KEYS = [...new Set(NAMES.flatMap((name): readonly string[] => PRESETS[name].keyVariables))]
const TEXTS = ['ships', 'a <|endoftext|> b']

const start = fakeServers((options?: FakeServiceOptions & { name: PresetName; dimensions?: number }) => {
  const { name, ...rest } = options!
  return startFakePreset(name, rest)
}, KEYS)

const open = async (name: PresetName, url: string, options: ProviderOptions = {}) =>
  createProvider(name, { baseUrl: url, model: PLAYED[name].model, apiKey: PLAYED_KEY, ...options })

describe.each(NAMES)('%s', name => {
  const api = PLAYED[name]
  const preset: Preset = PRESETS[name]

  // The server outlives the tests of the contract; the process ends it.
  let shared: Promise<{ url: string }> | undefined
  providerContract(name, async () => {
    shared ??= startFakePreset(name)
    return open(name, (await shared).url)
  })

  test('sends the documented body for queries and for documents, with the key, and reports the usage', async () => {
    const server = await start({ name })
    const provider = await open(name, server.url)
    const usage: number[] = []
    const onUsage = ({ tokens }: { tokens: number }) => usage.push(tokens)
    for (const role of ['query', 'document'] as const) {
      const [first, second] = await provider.embed(TEXTS, role, { onUsage })
      const body = server.requests.at(-1)!.body
      expect(body).toEqual(api.bodies[role](TEXTS))
      expect([first, second]).toEqual(TEXTS.map(text => fakeVector(`${text} ${api.role?.(body) ?? ''}`, 8)))
    }
    const billed = TEXTS.reduce((sum, text) => sum + fakeTokens(text), 0)
    expect(usage).toEqual(api.usage === false ? [] : [billed, billed])
    expect(provider.cacheKey('query') !== provider.cacheKey('document')).toBe(api.role !== undefined)
  })

  test('asks for other dimensions in its own words, or says that it cannot', async () => {
    const server = await start({ name })
    const dimensions = name === 'voyage' ? 256 : 5
    if (!api.shortened) {
      const known = preset.models?.[api.model]
      if (preset.dimensions && !known) return
      const error = await rejection(open(name, server.url, { dimensions }))
      expect([error.code, error.message]).toEqual(['USAGE', expect.stringMatching(/dimensions/)])
      return
    }
    const provider = await open(name, server.url, { dimensions })
    const [vector] = await provider.embed(TEXTS, 'query')
    expect(server.requests[0].body).toEqual(api.shortened(TEXTS))
    expect([vector.length, provider.dimensions]).toEqual([dimensions, dimensions])
    expect(provider.id).toBe(`${name}/${api.model}@${dimensions}`)
  })

  test('waits out a 429, sends no more texts than the limit, and puts the vectors in order', async () => {
    const server = await start({
      name,
      script: [{ status: 429, headers: { 'retry-after-ms': '20' }, body: api.refusal(429, 'slow down') }],
    })
    const provider = await open(name, server.url)
    const texts = Array.from({ length: api.maxInputs + 1 }, (_, i) => `text ${i}`)
    const waits: number[] = []
    const onRetry = ({ delayMs }: { delayMs: number }) => waits.push(delayMs)
    const { vectors } = await embedTexts(provider, texts, 'document', { random: () => 0, onRetry })
    expect([vectors.rows, vectors.cols, waits]).toEqual([texts.length, 8, [20]])
    const sent = server.requests.slice(1).map(({ body }) => api.texts(body).length)
    expect(Math.max(...sent)).toBeLessThanOrEqual(preset.maxInputs)
    expect(sent.reduce((a, b) => a + b, 0) - texts.length).toBeGreaterThanOrEqual(0)
    const role = api.role?.(server.requests[0].body) ?? ''
    const last = vectors.data.subarray((texts.length - 1) * 8)
    expect(Float32Array.from(last)).toEqual(fakeVector(`${texts.at(-1)} ${role}`, 8))
  })

  test('says what the service refuses, and never the key', async () => {
    const server = await start({
      name,
      script: [
        { status: 400, body: api.refusal(400, 'text 2 is too long for this model') },
        { status: 503, body: '<html>Bad gateway</html>' },
        { status: 200, body: { error: { message: 'model is loading' } } },
        'cut',
        { status: 200, body: `${'['.repeat(20_000)}${']'.repeat(20_000)}` },
      ],
    })
    const provider = await open(name, server.url)
    const refused = await rejection(provider.embed(TEXTS, 'query'))
    expect(refused.message).toMatch(/answered HTTP 400: .*text 2 is too long for this model/)
    expect([refused.code, refused.details.retryable]).toEqual(['PROVIDER_REQUEST', false])
    expect((await rejection(provider.embed(TEXTS, 'query'))).details.retryable).toBe(true)
    const empty = await rejection(provider.embed(TEXTS, 'query'))
    expect(empty.code).toBe('PROVIDER_RESPONSE')
    expect((await rejection(provider.embed(TEXTS, 'query'))).code).toBe('PROVIDER_REQUEST')
    expect((await rejection(provider.embed(TEXTS, 'query'))).code).toBe('PROVIDER_RESPONSE')
    if (preset.keyVariables.length === 0) return
    const wrong = await open(name, server.url, { apiKey: 'wrong-Z9y8X7w6V5' })
    const error = await rejection(wrong.embed(TEXTS, 'query'))
    expect(error.message).toContain(`Check the key: ${preset.keyVariables[0]}`)
    expect(inspect([error, wrong, refused], { depth: 9 })).not.toMatch(/Z9y8X7w6|A1b2C3d4/)
  })

  test('takes the key from its variable, and needs one only where the service does', async () => {
    const [variable] = preset.keyVariables
    if (preset.url && variable) {
      const error = await rejection(createProvider(name, { model: api.model }))
      expect([error.code, error.message]).toEqual(['PROVIDER_KEY', expect.stringContaining(`Set ${variable}`)])
    } else if (preset.url) expect((await createProvider(name, { model: api.model })).id).toBe(`${name}/${api.model}`)
    else {
      const error = await rejection(createProvider(name, { model: api.model, apiKey: PLAYED_KEY }))
      expect([error.code, error.message]).toEqual(['USAGE', expect.stringContaining(`such as ${preset.addressForm}`)])
    }
    if (!variable) return
    vi.stubEnv(variable, `${PLAYED_KEY}\n`)
    const { url } = await start({ name })
    expect(await (await open(name, url, { apiKey: undefined })).embed(['a'], 'query')).toHaveLength(1)
  })

  test('is opened again from what an adapter file records, its address from nowhere but the preset', async () => {
    const { url } = await start({ name })
    const provider = await open(name, url, { queryPrefix: 'q: ', queryParams: { seed: 1 } })
    const { facts } = provider
    expect(JSON.stringify(facts)).not.toMatch(/127\.0\.0\.1|A1b2/)
    const stored = JSON.parse(JSON.stringify(facts))
    const adapter = {
      ...sampleAdapter('linear'),
      base: { id: provider.id, dimensions: 8, normalized: true, provider: stored },
    }
    // Any port of this machine is Ollama's and LM Studio's own.
    if (!preset.url?.includes('localhost')) expect(() => baseOf(adapter)).toThrow(/--base-url/)
    const { provider: again, ...options } = baseOf(adapter, { baseUrl: url, apiKey: PLAYED_KEY })
    const opened = await createProvider(again, options)
    expect([opened.id, opened.cacheKey('query')]).toEqual([provider.id, provider.cacheKey('query')])
    if (!preset.url) return
    const own = await createProvider(name, { model: api.model, apiKey: PLAYED_KEY })
    expect(baseOf({ ...adapter, base: { id: own.id, dimensions: 8, normalized: true, provider: own.facts! } }).provider).toBe(
      name,
    )
    // Of vectors that were embedded elsewhere, only the id is known.
    expect(baseOf({ ...adapter, base: { id: own.id, dimensions: 8, normalized: true } })).toMatchObject({
      provider: name,
      model: api.model,
    })
  })
})

describe('a preset', () => {
  test('is data of at most 25 lines, with the page it follows', async () => {
    const { readFileSync } = await import('node:fs')
    const source = readFileSync('src/providers/presets.ts', 'utf8')
    const entries = source
      .slice(source.indexOf('export const PRESETS'))
      .split(/^ {2}(?=[a-z]+: \{$)/m)
      .slice(1)
    expect(entries).toHaveLength(NAMES.length)
    for (const entry of entries) {
      const lines = entry.slice(0, entry.indexOf('\n  },')).split('\n')
      expect(lines.length, lines[0]).toBeLessThanOrEqual(25)
      expect(entry).toMatch(/page: '?\s*'https:\/\//)
    }
  })

  test('that serves any model asks for its name', async () => {
    const error = await rejection(createProvider('ollama'))
    expect([error.code, error.message]).toEqual(['USAGE', expect.stringMatching(/missing model.*Give model/)])
    expect((await loadProvider('ollama')).needsModel).toBe(true)
  })

  test('keeps a model’s name out of the path of the address', async () => {
    const server = await start({ name: 'gemini' })
    const provider = await open('gemini', server.url, { model: '../../v1/secrets?x=' })
    await rejection(provider.embed(['a'], 'query'))
    expect(server.requests[0].path).toBe('/v1beta/models/..%2F..%2Fv1%2Fsecrets%3Fx%3D:batchEmbedContents')
  })

  test('of a gateway and of a local server are other bases than the service’s own, in the cache', async () => {
    const own = await createProvider('voyage', { apiKey: PLAYED_KEY })
    const other = await createProvider('voyage', { apiKey: PLAYED_KEY, baseUrl: 'http://gpu-box:1/v1' })
    expect(own.cacheKey('query')).not.toContain('host')
    expect(JSON.parse(other.cacheKey('query')).host).toBe('gpu-box')
    expect([own.dimensions, other.dimensions, own.price]).toEqual([1024, undefined, 0.06])
    // Two resources may give one name to two models.
    const azure = await createProvider('azure', {
      model: 'm',
      apiKey: PLAYED_KEY,
      baseUrl: 'https://one.openai.azure.com/openai/v1',
    })
    expect(JSON.parse(azure.cacheKey('query')).host).toBe('one.openai.azure.com')
    const error = await rejection(createProvider('azure', { model: 'm', baseUrl: 'https://one.openai.azure.com/openai/v1' }))
    expect(error.code).toBe('PROVIDER_KEY')
  })

  test('says that a key is wrong where Google calls it an argument', async () => {
    const body = {
      error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
    }
    const { url } = await start({ name: 'gemini', script: [{ status: 400, body }] })
    const error = await rejection((await open('gemini', url)).embed(['a'], 'query'))
    expect(error.message).toContain('Check the key: GEMINI_API_KEY or GOOGLE_API_KEY')
  })
})

describe('fields added for a role', () => {
  test('go out with the requests of that role, and are in the base id, the cache key and the facts', async () => {
    const { startFakeOpenAI } = await import('../helpers/fake-openai.js')
    const server = await startFakeOpenAI()
    const options = { queryParams: { input_type: 'query', n: 2 }, documentParams: { input_type: 'passage' } }
    const provider = await createProvider('openai', { baseUrl: server.url, model: 'm', ...options })
    await provider.embed(['a'], 'query')
    await provider.embed(['a'], 'document')
    const [query, document] = server.requests.map(({ body }) => body)
    expect(query).toEqual({ model: 'm', input: ['a'], encoding_format: 'base64', input_type: 'query', n: 2 })
    expect(document).toEqual({ model: 'm', input: ['a'], encoding_format: 'base64', input_type: 'passage' })
    expect(provider.id).toBe('openai/m?query.input_type=query&query.n=2&document.input_type=passage')
    expect(provider.facts).toMatchObject(options)
    expect(provider.cacheKey('query')).not.toBe(provider.cacheKey('document'))
    await server.close()
  })

  test.each([
    [{ queryParams: { model: 'other' } }, /"queryParams": the field "model" is set by other options/],
    [{ documentParams: { api_key: 'A1b2' } }, /"api_key" would be recorded in the adapter file/],
  ])('cannot be what has a place of its own: %o', async (options, message) => {
    const error = await rejection(createProvider('openai', { baseUrl: 'http://localhost:1', ...options }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('A1b2')
  })

  test('of an adapter file are refused where they are no object', () => {
    const provider = { name: 'openai', queryParams: [1] as never }
    expect(() =>
      baseOf({ ...sampleAdapter('linear'), base: { id: 'openai/m', dimensions: 8, normalized: true, provider } }),
    ).toThrow(/"base.provider.queryParams": expected a object/)
  })
})

test('the fields of a preset’s base are in the adapter file', async () => {
  const { id, facts } = await createProvider('voyage', { apiKey: PLAYED_KEY, queryParams: { a: 1 } })
  const file = encodeAdapter({
    ...sampleAdapter('linear'),
    base: { id, dimensions: 12, normalized: true, provider: facts },
  })
  expect(decodeAdapter(file).base.provider).toEqual({ name: 'voyage', model: 'voyage-4', queryParams: { a: 1 } })
})
