import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>
}

const VALUES: Readonly<Record<string, string>> = {
  '.': `AdapterTrainError applyAdapter bridge cachedTarget composeProviders convertAdapter createProvider customProvider decodeAdapter embedDataset embedTexts
    encodeAdapter estimateEmbedding fitPca folderTarget indexTarget isAdapterTrainError loadAdapter loadDocuments matrix memoryCache openCache openData
    openEmbedder openIndex providerNames readDataset renderReport runCompare runEvaluation runSweep runTraining saveAdapter splitDataset watchAdapter
    wrapEmbedder`,
  './data': `CHUNK_DEFAULTS checkLeaks checkPartsForLeaks chunkDocument chunkDocuments chunkText findLeaks loadDocuments
    readVectors splitDisjoint writeLlamaIndex writeParts`,
  './generate': 'LLM_NAMES createChatModel estimateGeneration generateQuestions',
  './train': `ENGINE_NAMES TRAINING_OPTIONS TRAIN_DEFAULTS createEngine listVersions matrix openCheckpoint removeCheckpoint
    replaceAdapter rollbackAdapter trainAdapter`,
  './evaluate': 'COMPARE_METRICS DEFAULT_METRICS compareRankings createEvaluator estimateCompare',
  './convert': 'ADAPTER_FORMAT convertAdapter readAnyAdapter',
  './runtime': 'adaptQuery applyAdapter loadAdapter',
  './runtime-terms': 'adaptQuery loadAdapter',
  './ai-sdk': 'documentEmbeddingModel queryEmbeddingModel queryMiddleware',
  './chroma': 'adaptEmbeddingFunction createEmbeddingFunction',
  './langchain': 'adaptEmbeddings createEmbeddings',
  './llamaindex': 'adaptEmbedding createEmbedding',
  './openai': 'adaptOpenAI',
  './serve': 'SERVE_DEFAULTS createEmbeddingServer',
}

test('the package has these entries and its own package.json', () => {
  expect(Object.keys(exports).sort()).toEqual([...Object.keys(VALUES), './package.json'].sort())
})

test.each(Object.entries(VALUES))('adapter-train%s has exactly these values', async (entry, names) => {
  const { default: file } = exports[entry] as { default: string }
  expect(Object.keys(await import(join(ROOT, file))).sort()).toEqual(names.split(/\s+/).sort())
})
