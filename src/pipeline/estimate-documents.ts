import { chunkDocuments } from '../documents/chunk-documents.js'
import { loadDocuments, type SkippedFile } from '../documents/load-documents.js'
import { estimateGeneration } from '../generate/generate-questions.js'
import type { ChatModel } from '../generate/llm/chat-model.js'
import type { GenerationEstimate } from '../generate/plan-requests.js'

/** What questions for some documents would take. */
export interface DocumentsEstimate {
  readonly documents: number
  readonly chunks: number
  readonly skipped: readonly SkippedFile[]
  readonly estimate: GenerationEstimate
}

/**
 * Reads documents and says what generating questions for all their chunks would take, with the defaults; asks nothing.
 * @throws FILE_NOT_FOUND, ABORTED as `loadDocuments`
 */
export async function estimateDocuments(
  paths: readonly string[],
  model: ChatModel,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<DocumentsEstimate> {
  const { documents, skipped } = await loadDocuments(paths, { signal })
  const chunks = await chunkDocuments(documents, { signal })
  const estimate = await estimateGeneration(chunks, model, { signal })
  return { documents: documents.length, chunks: chunks.length, skipped, estimate }
}
