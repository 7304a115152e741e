import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Adapter,
  applyAdapter,
  createProvider,
  customProvider,
  type EmbeddingProvider,
  loadAdapter,
  openData,
  openEmbedder,
  type QADataset,
  runTraining,
  saveAdapter,
  wrapEmbedder,
} from '../../src/index.js'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { rejection } from '../helpers/rejection.js'
import { tiny } from '../helpers/tiny-sbert.js'

const folder = mkdtempSync(join(tmpdir(), 'open-embedder-'))
const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const words = ['the cat', 'a dog', 'cat and dog', 'the dog runs', 'a cat runs', 'dog']
const dataset: QADataset = {
  name: 'pets',
  queries: new Map(words.map((text, i) => [`q${i}`, text])),
  corpus: new Map(words.map((text, i) => [`d${i}`, `${text} runs`])),
  qrels: new Map(words.map((_, i) => [`q${i}`, new Map([[`d${i}`, 1]])])),
}

/** Trains on a provider and writes the file, with a shift that no base vector has. */
async function train(provider: EmbeddingProvider, name: string): Promise<string> {
  closing.push(() => provider.close?.())
  const { adapter } = await runTraining({
    data: await openData({ train: dataset }),
    provider,
    tune: 'off',
    train: { epochs: 1 },
  })
  const path = join(folder, name)
  saveAdapter(adapter, path)
  return path
}

async function fake(start: () => Promise<FakeService>): Promise<FakeService> {
  const service = await start()
  closing.push(() => service.close())
  return service
}

/** Opens the file alone and expects the vectors of the provider it was trained on, the query adapted. */
async function expectSame(path: string, provider: EmbeddingProvider, options?: Parameters<typeof openEmbedder>[1]) {
  const opened = await openEmbedder(path, options)
  closing.push(() => opened.close?.())
  const [query] = await provider.embed(['the cat'], 'query')
  const [document] = await provider.embed(['a dog runs'], 'document')
  expect(await opened.embedQuery('the cat')).toEqual(Array.from(applyAdapter(loadAdapter(path), query)))
  expect(await opened.embedDocuments(['a dog runs'])).toEqual([Array.from(document)])
  return opened
}

/** The file's adapter, changed, in a file of its own. */
function changed(path: string, base: Partial<Adapter['base']>, name = 'changed.json'): string {
  const adapter = loadAdapter(path)
  const copy = join(folder, name)
  saveAdapter({ ...adapter, base: { ...adapter.base, ...base } }, copy)
  return copy
}

describe('openEmbedder opens the base that the file names', () => {
  test('OpenAI, with model, dimensions and prefixes', async () => {
    const { url, requests } = await fake(startFakeOpenAI)
    vi.stubEnv('OPENAI_BASE_URL', url)
    const options = { model: 'text-embedding-3-large', dimensions: 16, queryPrefix: 'q: ', documentPrefix: 'd: ' }
    const provider = await createProvider('openai', options)
    const path = await train(provider, 'openai.json')
    await expectSame(path, provider)
    expect(requests.at(-1)!.body).toMatchObject({ model: options.model, dimensions: 16, input: ['d: a dog runs'] })
  })

  test('Cohere, with its role for queries', async () => {
    const { url } = await fake(startFakeCohere)
    const provider = await createProvider('cohere', { baseUrl: url, model: 'embed-v4.0', dimensions: 256 })
    const path = await train(provider, 'cohere.json')
    await expectSame(path, provider, { base: { baseUrl: url } })
  })

  test('a local model folder, with pooling, prefixes and dtype', async () => {
    const model = tiny()
    const options = { model, pooling: 'cls', normalize: false, queryPrefix: 'the ', dimensions: 3 } as const
    const provider = await createProvider('sbert', options)
    const path = await train(provider, 'sbert.json')
    await expectSame(path, provider)
    expect(loadAdapter(path).base.provider).toEqual({
      name: 'sbert',
      ...options,
      dtype: 'fp32',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  test('the built-in hashing provider', async () => {
    const provider = await createProvider('hashing', { dimensions: 32 })
    await expectSame(await train(provider, 'hashing.json'), provider)
  })

  test('a name of its own for the embedding space', async () => {
    const provider = await createProvider('hashing', { dimensions: 32, baseId: 'acme/space' })
    await expectSame(await train(provider, 'named.json'), provider)
  })
})

describe('a model folder', () => {
  test.each([
    ['weights', { sentenceEmbedding: true }],
    ['settings', { files: { 'sentence_bert_config.json': { max_seq_length: 7 } } }],
  ])('of the same name but with other %s is another base', async (_, changes) => {
    const one = tiny({}, 'onnx')
    const other = tiny(changes, 'onnx')
    const path = await train(await createProvider('sbert', { model: one }), 'folder.json')
    const stranger = await createProvider('sbert', { model: other })
    closing.push(() => stranger.close?.())
    expect(stranger.id).toBe(loadAdapter(path).base.id)
    expect(() => wrapEmbedder(stranger, path)).toThrow(/a model named "sbert\/onnx", but the files of this one differ/)
    const error = await rejection(openEmbedder(path, { base: { model: other } }))
    expect(error).toMatchObject({ code: 'ADAPTER_MISMATCH' })
    expect(() => wrapEmbedder(stranger, path, { allowMismatch: true })).not.toThrow()
    const older = changed(path, { provider: undefined })
    expect(() => wrapEmbedder(stranger, older)).not.toThrow()
  })

  test('that moved is found beside the file, or named by an option', async () => {
    const model = tiny({}, 'moved')
    const provider = await createProvider('sbert', { model })
    const path = await train(provider, 'at-home.json')
    const facts = loadAdapter(path).base.provider!
    cpSync(model, join(folder, 'models/moved'), { recursive: true })
    const beside = changed(path, { provider: { ...facts, model: './models/moved' } })
    await expectSame(beside, provider)
    const gone = changed(path, { provider: { ...facts, model: 'no/such/moved' } }, 'gone.json')
    const error = await rejection(openEmbedder(gone))
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error.message).toMatch(/is a model folder "no\/such\/moved" that is not found here\. Give --model FOLDER/)
    await expectSame(gone, provider, { base: { model } })
  })

  test('of another machine is never opened', async () => {
    const path = await train(await createProvider('sbert', { model: tiny({}, 'net') }), 'net.json')
    const facts = loadAdapter(path).base.provider!
    const share = changed(path, { provider: { ...facts, model: '//host/share/net' } })
    expect((await rejection(openEmbedder(share))).message).toMatch(/is not found here/)
  })
})

describe('what no file gives', () => {
  test('is the address of a server of your own: no request goes elsewhere without it', async () => {
    const { url } = await fake(startFakeOpenAI)
    const provider = await createProvider('openai', { baseUrl: url, model: 'nomic-embed-text', apiKey: 'sk-secret' })
    const path = await train(provider, 'ollama.json')
    const text = readFileSync(path, 'utf8')
    expect(text).not.toContain('127.0.0.1')
    expect(text).not.toContain('sk-secret')
    const error = await rejection(openEmbedder(path))
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error.message).toContain('Give --base-url URL ({ base: { baseUrl } } in code)')
    await expectSame(path, provider, { base: { baseUrl: url } })
  })

  test('is an address, a key or a module, whatever stands in it', async () => {
    const { url, requests } = await fake(startFakeOpenAI)
    const { url: evil, requests: taken } = await fake(startFakeOpenAI)
    vi.stubEnv('OPENAI_BASE_URL', url)
    vi.stubEnv('OPENAI_API_KEY', 'sk-own')
    const path = await train(await createProvider('openai', { dimensions: 8 }), 'evil.json')
    const facts = loadAdapter(path).base.provider!
    const more = { baseUrl: evil, apiKey: 'sk-theirs', transport: 'http', modelCache: '/tmp', headers: { a: 'b' } }
    const opened = await openEmbedder(changed(path, { provider: { ...facts, ...more } }))
    await opened.embedQuery('the cat')
    expect(taken).toEqual([])
    expect(requests.at(-1)!.headers.authorization).toBe('Bearer sk-own')
    for (const name of ['./module.mjs', 'https://host/x', 'custom', '__proto__']) {
      const error = await rejection(openEmbedder(changed(path, { provider: { name } })))
      expect(error.message).toMatch(/cannot be opened from the adapter file alone\. Give --base, one of openai/)
    }
    const wrong = changed(path, { provider: { name: 'openai', dimensions: '8' as unknown as number } })
    expect(await rejection(openEmbedder(wrong))).toMatchObject({ code: 'ADAPTER_FORMAT' })
  })

  test('is a function of your own', async () => {
    const base = await createProvider('hashing', { dimensions: 16 })
    const provider = customProvider({ id: 'acme/encoder', embed: texts => base.embed(texts, 'query') })
    const path = await train(provider, 'custom.json')
    expect(loadAdapter(path).base.provider).toEqual({ name: 'custom' })
    const error = await rejection(openEmbedder(path))
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error.message).toContain('or wrapEmbedder in code')
  })
})

describe('a file without facts', () => {
  test.each([
    ['hashing/words+char3-5@32', {}],
    ['openai/text-embedding-3-small@32', {}],
    ['cohere/embed-v4.0@256', { apiKey: 'none' }],
  ])('is opened by the id %s', async (id, base) => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-none')
    const path = await train(await createProvider('hashing', { dimensions: id.endsWith('256') ? 256 : 32 }), 'older.json')
    const opened = await openEmbedder(changed(path, { id, provider: undefined }), { base })
    expect(opened.id).toBe(id)
  })

  test.each([
    ['openai/nomic-embed-text', '--base-url'],
    ['cohere/my-model', '--base-url'],
    ['sbert/onnx', '--model FOLDER'],
    ['acme/encoder', '--base'],
    ['vectors', '--base'],
  ])('says which option %s needs', async (id, option) => {
    const path = await train(await createProvider('hashing', { dimensions: 32 }), 'older.json')
    const error = await rejection(openEmbedder(changed(path, { id, provider: undefined })))
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error.message).toContain(option)
  })

  test('of a model folder is opened where the option names it', async () => {
    const model = tiny({}, 'unnamed')
    const provider = await createProvider('sbert', { model, pooling: 'cls', queryPrefix: 'the ' })
    const path = await train(provider, 'unnamed.json')
    expect(loadAdapter(path).base.id).toBe(`sbert/${basename(model)}?pooling=cls&queryPrefix=the+`)
    await expectSame(changed(path, { provider: undefined }), provider, { base: { model } })
  })
})

test('a provider that is given takes the place of the whole file, and a mismatch is refused', async () => {
  const path = await train(await createProvider('hashing', { dimensions: 32 }), 'given.json')
  expect(dirname(path)).toBe(folder)
  const error = await rejection(openEmbedder(path, { base: { provider: 'hashing' } }))
  expect(error).toMatchObject({ code: 'ADAPTER_MISMATCH' })
})
