import { BaseEmbedding } from '@llamaindex/core/embeddings'
import { TextNode } from '@llamaindex/core/schema'
import { expect, test } from 'vitest'
import { adaptEmbedding, createEmbedding } from '../../src/integrations/llamaindex.js'
import { wrapEmbedder } from '../../src/wrap/wrap-embedder.js'
import { adapted, plain, provider, sample, start } from './support.js'

class Own extends BaseEmbedding {
  // biome-ignore lint/complexity/noUselessConstructor: that of the base is protected
  constructor() {
    super()
  }
  override async getTextEmbedding(text: string) {
    return plain(text)
  }
}

const query = { type: 'text', text: 'how' } as const
const nodes = () => ['one', 'two'].map(text => new TextNode({ text }))

test.each([
  ['adaptEmbedding', async () => adaptEmbedding(new Own(), sample())],
  ['wrapEmbedder', async () => wrapEmbedder(new Own(), sample())],
  ['createEmbedding', (): Promise<BaseEmbedding> => createEmbedding(provider(), sample())],
])('%s adapts queries, and embeds texts and nodes as the base does', async (_, make) => {
  const embedding = await make()
  expect(embedding).toBeInstanceOf(BaseEmbedding)
  expect(await embedding.getQueryEmbedding(query)).toEqual(adapted('how'))
  expect(await embedding.getTextEmbedding('how')).toEqual(plain('how'))
  expect(await embedding.getTextEmbeddings(['how'])).toEqual([plain('how')])
  expect(await embedding.getTextEmbeddingsBatch(['how', 'why'])).toEqual([plain('how'), plain('why')])
  const embedded = await embedding(nodes())
  expect(embedded.map(node => node.embedding)).toEqual([plain('one'), plain('two')])
})

test('an adapter to fewer dimensions cuts texts and nodes', async () => {
  const short = sample({ outputs: 3 })
  const embedding = adaptEmbedding(new Own(), short)
  expect(await embedding.getQueryEmbedding(query)).toEqual(adapted('how', short))
  expect(await embedding.getTextEmbeddingsBatch(['how'])).toEqual([start('how', 3)])
  expect((await embedding(nodes())).map(node => node.embedding)).toEqual([start('one', 3), start('two', 3)])
})
