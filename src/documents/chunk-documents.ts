import { setImmediate } from 'node:timers/promises'
import { contentId } from '../dataset/records.js'
import { loadTokenCounter } from '../providers/token-counter.js'
import type { Chunk } from './chunk.js'
import { type ChunkOptions, checkChunkOptions } from './chunk-options.js'
import { flowOf } from './flow.js'
import { markdownSections } from './loaders/markdown.js'
import { packUnits } from './pack.js'
import type { SourceDocument } from './section.js'
import { throwIfStopped } from './stop.js'
import { unitsOf } from './units.js'

/**
 * Cuts documents into chunks at sentences and headings; a text that stands in several places is one chunk, the first.
 *
 * Every chunk is a piece of its document as it was read, of at most `maxTokens` tokens, and every sentence stands in one.
 *
 * @param documents as {@link loadDocuments} gives them
 * @throws USAGE when an option is out of range
 * @throws ABORTED when `signal` was aborted
 */
export async function chunkDocuments(
  documents: readonly SourceDocument[],
  options: ChunkOptions & { readonly signal?: AbortSignal } = {},
): Promise<Chunk[]> {
  const sizes = checkChunkOptions(options)
  const count = await loadTokenCounter()
  const chunks = new Map<string, Chunk>()
  for (const document of documents) {
    throwIfStopped(options.signal)
    for (const chunk of chunksOf(document, sizes, count)) if (!chunks.has(chunk.id)) chunks.set(chunk.id, chunk)
    // Lets a signal through.
    await setImmediate()
  }
  return [...chunks.values()]
}

/** Cuts one document into chunks. @see {@link chunkDocuments} */
export async function chunkDocument(document: SourceDocument, options: ChunkOptions = {}): Promise<Chunk[]> {
  return chunkDocuments([document], options)
}

/**
 * Cuts a text into chunks; headings, tables, lists and code of Markdown are recognised in it.
 *
 * @param options `file` is written into the chunks' source; by default it is empty
 * @throws USAGE when an option is out of range
 * @see {@link chunkDocuments}
 */
export async function chunkText(
  text: string,
  options: ChunkOptions & { readonly file?: string } = {},
): Promise<Chunk[]> {
  const sections = markdownSections(text.replace(/\r\n?/g, '\n'))
  return chunkDocuments([{ file: options.file ?? '', sections }], options)
}

function* chunksOf(
  { file, sections }: SourceDocument,
  sizes: Required<ChunkOptions>,
  count: (text: string) => number,
): Generator<Chunk> {
  const flow = flowOf(sections)
  const units = unitsOf(flow, sizes.maxTokens, count)
  for (const { first, last, text, tokens } of packUnits(flow.text, units, sizes, count)) {
    let body = first
    while (body < last - 1 && units[body].isHeading) body++
    const { page } = units[first].section
    const { heading } = units[body].section
    const source = { file, ...(page !== undefined && { page }), ...(heading && { heading }) }
    yield { id: contentId('document', text), text, tokens, source }
  }
}
