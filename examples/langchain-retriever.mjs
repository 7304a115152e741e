// A LangChain retriever with adapted queries over documents that are embedded as ever. Needs no key:
//   npm run quickstart && node examples/langchain-retriever.mjs adapters/quickstart.json
import { readFileSync } from 'node:fs'
import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory'
import { createProvider, loadAdapter } from 'adapter-train'
import { adaptEmbeddings, createEmbeddings } from 'adapter-train/langchain'

const [path = 'adapters/quickstart.json', query = 'batt below 0 °C, will it still be filled'] = process.argv.slice(2)
const data = JSON.parse(readFileSync(new URL('data/test_dataset.json', import.meta.url), 'utf8'))

// Any LangChain embedding goes here, such as new OpenAIEmbeddings({ model: 'text-embedding-3-small' }).
const embeddings = await createEmbeddings(await createProvider('hashing'))
const store = await MemoryVectorStore.fromTexts(
  Object.values(data.corpus),
  Object.keys(data.corpus).map(id => ({ id })),
  embeddings,
)

// The same vectors: only the queries change.
const adapted = new MemoryVectorStore(adaptEmbeddings(embeddings, loadAdapter(path)))
adapted.memoryVectors = store.memoryVectors

console.log(query)
for (const [name, one] of Object.entries({ base: store, adapted })) {
  const found = await one.asRetriever(3).invoke(query)
  console.log(`${name}: ${found.map(({ metadata }) => metadata.id).join(', ')}`)
}
