import { afterEach, expect, test, vi } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { linear } from '../../src/adapters/linear.js'
import { createJsEngine } from '../../src/engines/js.js'
import { queryMiddleware } from '../../src/integrations/ai-sdk.js'
import { createEmbeddingFunction } from '../../src/integrations/chroma.js'
import { fromRows, matrix } from '../../src/math/matrix.js'
import { applyAdapterOn } from '../../src/train/adapt-on.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { fakeProvider } from '../embed/fake-provider.js'

afterEach(() => vi.restoreAllMocks())

/** An adapter of three dimensions, and the text of each query its map has seen. */
function listening(): { adapter: Adapter; texts: (string | undefined)[] } {
  const texts: (string | undefined)[] = []
  vi.spyOn(linear, 'compile').mockReturnValue((q, out, text) => {
    texts.push(text)
    out.set(q)
  })
  const params = { W: matrix(3, 3), b: matrix(1, 3) }
  const training = { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} }
  return { texts, adapter: { kind: 'linear', base: { id: 'm', dimensions: 3, normalized: false }, training, params } }
}

const vectors = (texts: readonly string[]): number[][] => texts.map(text => [text.length, 1, 0])
const allow = { allowMismatch: true }

test('the map of an adapter meets every query with its text, in whichever form vectors are given', () => {
  const { adapter, texts } = listening()
  applyAdapter(adapter, [1, 2, 3], 'one')
  applyAdapter(
    adapter,
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    ['a', undefined],
  )
  applyAdapter(adapter, fromRows([[1, 2, 3]]), ['in a matrix'])
  applyAdapter(adapter, [1, 2, 3])
  expect(texts).toEqual(['one', 'a', undefined, 'in a matrix', undefined])
})

test('the map on an engine gets the texts of its block of queries', async () => {
  const { adapter } = listening()
  const seen: unknown[] = []
  const forward = vi.spyOn(linear, 'forward').mockImplementation((...args: unknown[]) => void seen.push(args[5]))
  const names = Array.from({ length: 1030 }, (_, i) => `query ${i}`)
  await applyAdapterOn(createJsEngine(), adapter, matrix(1030, 3), names)
  expect(forward).toHaveBeenCalledTimes(2)
  expect(seen).toEqual([names.slice(0, 1024), names.slice(1024)])
})

test('every shape of wrapper hands the text of a query on, and none of a document', async () => {
  const { adapter, texts } = listening()
  const provider = { ...fakeProvider({ dimensions: 3 }), id: 'm' }
  const wrapped = wrapEmbedder(provider, adapter, allow)
  await wrapped.embedQuery('provider query')
  await wrapped.embed(['in', 'bulk'], 'query')
  await wrapped.embedDocuments(['document'])

  const object = { embedQuery: async (t: string) => vectors([t])[0], embedDocuments: async (t: string[]) => vectors(t) }
  await wrapEmbedder(object, adapter).embedQuery('langchain')

  const llamaIndex = {
    getQueryEmbedding: async (_query: unknown) => [1, 2, 3],
    getTextEmbedding: async () => [1, 2, 3],
    getTextEmbeddings: async (t: string[]) => vectors(t),
    getTextEmbeddingsBatch: async (t: string[]) => vectors(t),
  }
  await wrapEmbedder(llamaIndex, adapter).getQueryEmbedding('llamaindex')
  await wrapEmbedder(llamaIndex, adapter).getQueryEmbedding({ type: 'text', text: 'a detail' })

  await wrapEmbedder({ generate: async (t: string[]) => vectors(t) }, adapter).generateForQueries(['chroma', 'twice'])
  await createEmbeddingFunction(provider, adapter, allow).generateForQueries!(['own chroma'])

  const model = {
    specificationVersion: 'v3',
    modelId: 'm',
    doEmbed: async ({ values }: { values: string[] }) => ({ embeddings: vectors(values) }),
  }
  const { queryModel, documentModel } = wrapEmbedder(model, adapter, allow)
  await queryModel.doEmbed({ values: ['ai sdk'] })
  await documentModel.doEmbed({ values: ['document'] })
  const doEmbed = async () => ({ embeddings: [[1, 2, 3]] })
  const call = { doEmbed, doStream: doEmbed, params: { values: ['middleware'] }, model: { modelId: 'm' } }
  await queryMiddleware(adapter, allow).wrapEmbed!(call as never)

  const answer = (n: number) => ({ data: Array.from({ length: n }, () => ({ embedding: [1, 2, 3] })) })
  const create = (body: { input: string | unknown[] }) => ({
    _thenUnwrap: (map: (r: ReturnType<typeof answer>) => unknown) =>
      map(answer(typeof body.input === 'string' ? 1 : body.input.length)),
  })
  const client = wrapEmbedder({ embeddings: { create: create as (body: never) => unknown } }, adapter, allow)
  for (const input of ['openai', ['a', 'list'], [[1, 2]]]) {
    client.embeddings.create({ model: 'm', role: 'query', input } as never)
  }

  expect(texts).toEqual([
    ...['provider query', 'in', 'bulk', 'langchain', 'llamaindex', 'a detail', 'chroma', 'twice', 'own chroma'],
    ...['ai sdk', 'middleware', 'openai', 'a', 'list', undefined],
  ])
})
