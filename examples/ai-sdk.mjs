// The Vercel AI SDK: one model for queries, the model itself for documents. Needs no key:
//   npm run quickstart && node examples/ai-sdk.mjs adapters/quickstart.json
import { createProvider, loadAdapter } from 'adapter-train'
import { queryEmbeddingModel } from 'adapter-train/ai-sdk'
import { cosineSimilarity, embed, embedMany } from 'ai'

const [path = 'adapters/quickstart.json'] = process.argv.slice(2)
const provider = await createProvider('hashing')

/** Any embedding model goes here, such as openai.embedding('text-embedding-3-small') of @ai-sdk/openai. */
const documentModel = {
  specificationVersion: 'v3',
  provider: 'adapter-train',
  modelId: 'hashing',
  maxEmbeddingsPerCall: provider.limits.maxInputs,
  supportsParallelCalls: true,
  async doEmbed({ values, abortSignal }) {
    const vectors = await provider.embed(values, 'document', { signal: abortSignal })
    return { embeddings: vectors.map(vector => Array.from(vector)), warnings: [] }
  },
}
const queryModel = queryEmbeddingModel(documentModel, loadAdapter(path))

const documents = ['Charging the battery in winter', 'Changing your delivery address']
const { embeddings } = await embedMany({ model: documentModel, values: documents })
const { embedding } = await embed({ model: queryModel, value: 'batt below 0 °C, will it still be filled' })
documents.forEach((text, i) => {
  console.log(cosineSimilarity(embedding, embeddings[i]).toFixed(4), text)
})
