import { chunkDocuments } from '../documents/chunk-documents.js'
import { loadDocuments } from '../documents/load-documents.js'
import { estimateGeneration } from '../generate/generate-questions.js'
import type { ChatModel } from '../generate/llm/chat-model.js'

/** Reads documents and estimates generating questions for all their chunks, with the defaults; sends nothing. */
export async function estimateDocuments(
  paths: readonly string[],
  model: ChatModel,
  { signal }: { readonly signal?: AbortSignal } = {},
) {
  const { documents, skipped } = await loadDocuments(paths, { signal })
  const chunks = await chunkDocuments(documents, { signal })
  const estimate = await estimateGeneration(chunks, model, { signal })
  return { documents: documents.length, chunks: chunks.length, skipped, estimate }
}
