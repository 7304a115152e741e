import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createProvider, isOwnCode, loadProvider } from '../../src/providers/index.js'
import { baseOf } from '../../src/wrap/recorded-base.js'
import { providerContract } from '../contracts/provider.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import { fakeServers } from '../helpers/fake-servers.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { rejection } from '../helpers/rejection.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const folder = mkdtempSync(join(tmpdir(), 'own-code-'))
const start = fakeServers(startFakeOpenAI, ['OPENAI_API_KEY', 'OPENAI_BASE_URL'])

let count = 0
/** Writes a module under a name of its own, since a module is loaded once. */
function moduleOf(source: string): string {
  const path = join(folder, `embedder-${++count}.mjs`)
  writeFileSync(path, source)
  return path
}

const COUNTING = `export default {
  id: 'acme/counting', version: 3, limits: { maxInputs: 7 },
  embed(texts, role) { return texts.map(text => [...text].reduce((v, c) => (v[c.codePointAt(0) % 24]++, v), Array(24).fill(role === 'query' ? 1 : 2))) },
  close() { globalThis.countingClosed = true },
}`

describe('a module', () => {
  providerContract('module', () => createProvider(moduleOf(COUNTING)))

  test('brings its id, its version into the cache key, its limits and its end', async () => {
    const provider = await createProvider(moduleOf(COUNTING))
    expect([provider.id, provider.limits.maxInputs, provider.facts]).toEqual(['acme/counting', 7, undefined])
    const later = await createProvider(moduleOf(COUNTING.replace('version: 3', 'version: 4')))
    expect(later.cacheKey('query')).not.toBe(provider.cacheKey('query'))
    await provider.close?.()
    expect(Reflect.get(globalThis, 'countingClosed')).toBe(true)
  })

  test('may export an object with embedQuery and embedDocuments, as a named export', async () => {
    const path = moduleOf(
      `export const embedder = { id: 'a', version: '1', embed: { embedQuery: async () => [1, 0], embedDocuments: async t => t.map(() => [0, 1]) } }`,
    )
    const provider = await createProvider(path)
    expect([...(await provider.embed(['x'], 'query')), ...(await provider.embed(['x'], 'document'))]).toEqual([
      Float32Array.of(1, 0),
      Float32Array.of(0, 1),
    ])
  })

  test.each([
    ['export const other = 1', 'no such export'],
    ['export default { version: 1, embed: () => [] }', 'one without "id"'],
    [`export default { id: 'a', embed: () => [] }`, 'one without "version"'],
    [`export default { id: 'a', version: '', embed: () => [] }`, 'one without "version"'],
    [`export default { id: 'a', version: 1 }`, 'one without "embed"'],
    [`throw new Error('no licence')`, 'cannot be loaded: no licence'],
  ])('such as %j is refused', async (source, found) => {
    const error = await rejection(createProvider(moduleOf(source)))
    expect([error.code, error.message]).toEqual(['PROVIDER_MODEL', expect.stringContaining(found)])
  })

  test('that is not there is named', async () => {
    const error = await rejection(createProvider('./no-such-embedder.mjs'))
    expect(error.message).toMatch(/^\.\/no-such-embedder\.mjs: cannot be loaded: Cannot find/)
  })
})

/** Makes a package in a project's node_modules and goes there. */
function project(name: string, source: string): void {
  const place = mkdtempSync(join(folder, 'project-'))
  const home = join(place, 'node_modules', name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' }))
  writeFileSync(join(home, 'index.js'), source)
  vi.spyOn(process, 'cwd').mockReturnValue(place)
}

/** A provider of the AI SDK that embeds a text as what it is given, in the letters of JSON. */
const sdk = (version: string, method: string, more = '') => `
const model = id => ({
  specificationVersion: '${version}', modelId: id, provider: 'fake', maxEmbeddingsPerCall: Promise.resolve(3), supportsParallelCalls: false,
  async doEmbed({ values, providerOptions }) {
    ${more}
    const said = JSON.stringify(providerOptions ?? null)
    const embeddings = values.map(value => { const v = Array(providerOptions?.bedrock?.outputDimension ?? 16).fill(1); for (const c of id + value + said) v[c.codePointAt(0) % 16] += 1; return v })
    return { embeddings, usage: { tokens: values.length }, warnings: [] }
  },
})
export const createFake = () => fake
export const fake = Object.assign(id => model(id), { ${method}: model })`

describe('a package of the AI SDK', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('of specification v3, the real one for OpenAI, sends what it is asked for', async () => {
    const server = await start({ apiKey: 'sk-A1b2C3d4E5f6' })
    vi.stubEnv('OPENAI_BASE_URL', server.url)
    vi.stubEnv('OPENAI_API_KEY', 'sk-A1b2C3d4E5f6')
    const provider = await createProvider('ai-sdk:@ai-sdk/openai', { model: 'text-embedding-3-small', dimensions: 6 })
    const tokens: number[] = []
    const [vector] = await provider.embed(['ships'], 'query', { onUsage: usage => tokens.push(usage.tokens) })
    expect(vector).toEqual(fakeVector('ships', 6))
    expect(server.requests[0].body).toMatchObject({ input: ['ships'], dimensions: 6 })
    expect([tokens, provider.limits.maxInputs]).toEqual([[2], 2048])
    expect(provider.id).toBe('ai-sdk:@ai-sdk/openai/text-embedding-3-small@6')
    server.enqueue({ status: 429, body: { error: { message: 'Incorrect key sk-A1b2C3d4E5f6' } } })
    const error = await rejection(provider.embed(['ships'], 'query'))
    expect([error.code, error.details.retryable]).toEqual(['PROVIDER_REQUEST', true])
    expect(inspect(error, { depth: 9 })).not.toMatch(/A1b2|ships/)
  })

  describe.each([
    ['v2', 'textEmbeddingModel'],
    ['v4', 'embeddingModel'],
  ])('of specification %s', (version, method) => {
    providerContract(`ai-sdk ${version}`, () => {
      project('fake-sdk', sdk(version, method))
      return createProvider('ai-sdk:fake-sdk', { model: 'm' })
    })
  })

  test('is told the role of a text where its keys for that are known', async () => {
    project('@ai-sdk/amazon-bedrock', sdk('v2', 'textEmbeddingModel', 'globalThis.sdkOptions = providerOptions'))
    const open = (model: string, options = {}) => createProvider('ai-sdk:@ai-sdk/amazon-bedrock', { model, ...options })
    const said = async (model: string, role: 'query' | 'document', options = {}) => {
      await (await open(model, options)).embed(['a'], role)
      return (Reflect.get(globalThis, 'sdkOptions') as { bedrock?: object } | undefined)?.bedrock
    }
    // The package's own default is search_query, for documents too.
    expect(await said('cohere.embed-english-v3', 'document')).toEqual({ inputType: 'search_document' })
    expect(await said('us.cohere.embed-v4:0', 'query', { dimensions: 512 })).toEqual({
      inputType: 'search_query',
      outputDimension: 512,
    })
    expect(await said('amazon.titan-embed-text-v2:0', 'query')).toBeUndefined()
    const params = { queryParams: { normalize: false } }
    expect(await said('amazon.titan-embed-text-v2:0', 'query', params)).toEqual({ normalize: false })
    expect((await open('amazon.titan-embed-text-v2:0', params)).id).toBe(
      'ai-sdk:@ai-sdk/amazon-bedrock/amazon.titan-embed-text-v2:0?query.normalize=false',
    )
    const cohere = await open('cohere.embed-english-v3')
    expect(cohere.cacheKey('query')).not.toBe((await open('cohere.embed-multilingual-v3')).cacheKey('query'))
  })

  test('is refused a key that it would drop without a word', async () => {
    project('@ai-sdk/cohere', sdk('v2', 'textEmbeddingModel'))
    const misspelt = await rejection(
      createProvider('ai-sdk:@ai-sdk/cohere', { model: 'm', queryParams: { input_type: 'search_query' } }),
    )
    expect(misspelt.message).toMatch(/unknown field "input_type".*expected one of inputType, truncate/)
    project('fake-sdk', sdk('v3', 'embeddingModel'))
    for (const options of [{ queryParams: { inputType: 'query' } }, { dimensions: 4 }]) {
      expect((await rejection(createProvider('ai-sdk:fake-sdk', { model: 'm', ...options }))).code).toBe('USAGE')
    }
  })

  test.each([
    ['v1', `${sdk('v1', 'textEmbeddingModel')}`, /expected a model of specification v2, v3 or v4, found "v1"/],
    ['none', 'export const x = 1', /expected an export with embeddingModel\(id\) or textEmbeddingModel\(id\), found none/],
    [
      'two',
      `${sdk('v3', 'embeddingModel')}\nexport const other = { embeddingModel: model }`,
      /found fake and other. Name one: ai-sdk:fake-sdk#other/,
    ],
  ])('that offers %s of what is needed is refused', async (_name, source, message) => {
    project('fake-sdk', source)
    const error = await rejection(createProvider('ai-sdk:fake-sdk', { model: 'm' }))
    expect(error.code).toBe('PROVIDER_MODEL')
    expect(error.message).toMatch(message)
  })

  test('may have its export named, needs a model, and is installed first', async () => {
    project('fake-sdk', `${sdk('v3', 'embeddingModel')}\nexport const other = { embeddingModel: model }`)
    expect((await createProvider('ai-sdk:fake-sdk#other', { model: 'm' })).id).toBe('ai-sdk:fake-sdk/m')
    expect((await rejection(createProvider('ai-sdk:fake-sdk'))).message).toMatch(/missing model/)
    const error = await rejection(createProvider('ai-sdk:@ai-sdk/none', { model: 'm' }))
    expect([error.code, error.message]).toEqual(['PROVIDER_PACKAGE', expect.stringContaining('npm install @ai-sdk/none')])
  })
})

describe('the name of a base', () => {
  test.each(['ai-sdk:@ai-sdk/google', './embedder.mjs', '../x.js', '/a/b.cjs', 'C:\\x.mjs', 'file:///x', 'embedder.mjs'])(
    'is that of code: %s',
    name => expect(isOwnCode(name)).toBe(true),
  )
  test.each(['openai', 'vertex', 'ai-sdk:', 'js', ''])('is not that of code: %j', name => expect(isOwnCode(name)).toBe(false))

  test('of code is never taken from an adapter file, whatever stands in it', async () => {
    const path = moduleOf('globalThis.ranFromFile = true; export default { id: "a", version: 1, embed: t => t.map(() => [1]) }')
    for (const name of [path, 'ai-sdk:fake-sdk']) {
      const base = { id: `${name}/x`, dimensions: 12, normalized: true }
      const adapter = { ...sampleAdapter('linear'), base: { ...base, provider: { name, model: 'm' } } }
      expect(() => baseOf(adapter)).toThrow(/cannot be opened from the adapter file alone/)
      expect(() => baseOf({ ...adapter, base })).toThrow(/cannot be opened from the adapter file alone/)
    }
    expect(Reflect.get(globalThis, 'ranFromFile')).toBeUndefined()
    expect((await loadProvider(path)).keyVariables).toEqual([])
  })
})
