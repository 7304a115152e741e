import { setImmediate } from 'node:timers/promises'
import { throwIfReadingStopped } from '../abort.js'
import { contentId } from '../dataset/records.js'
import { loadTokenCounter } from '../providers/token-counter.js'
import { type Chunk, type ChunkOptions, checkChunkOptions } from './chunk.js'
import { flowOf } from './flow.js'
import { markdownSections } from './loaders/markdown.js'
import type { SourceDocument } from './section.js'
import { createUnitCounter, type Unit, unitsOf } from './units.js'

/**
 * Cuts documents into chunks of at most `maxTokens` at sentences and headings, unchanged and complete; of equal chunks
 * the first is kept.
 * @throws USAGE if an option is out of range
 * @throws ABORTED if `signal` was aborted
 */
export async function chunkDocuments(
  documents: readonly SourceDocument[],
  options: ChunkOptions & { readonly signal?: AbortSignal } = {},
): Promise<Chunk[]> {
  const sizes = checkChunkOptions(options)
  const count = await loadTokenCounter()
  const chunks = new Map<string, Chunk>()
  for (const document of documents) {
    throwIfReadingStopped(options.signal)
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
 * Cuts a text into chunks; headings, tables, lists and code of Markdown are recognised.
 * @param options `file` is the file of the chunks' source, '' by default
 * @throws USAGE if an option is out of range
 */
export async function chunkText(
  text: string,
  { file = '', ...sizes }: ChunkOptions & { readonly file?: string } = {},
): Promise<Chunk[]> {
  return chunkDocuments([{ file, sections: markdownSections(text.replace(/\r\n?/g, '\n')) }], sizes)
}

function* chunksOf({ file, sections }: SourceDocument, sizes: Required<ChunkOptions>, count: (text: string) => number) {
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

/** Share of a full chunk from which it may end. */
const FULL = 0.75

/**
 * Packs units into chunks.
 *
 * A full chunk ends at the best kind of place (paragraph, then sentence, then word), and among equals at the one whose
 * text has the least hash. So two versions of a document, cut in different places after an edit, soon choose the same
 * place again, and from there on all chunks are equal.
 */
function* packUnits(
  text: string,
  units: readonly Unit[],
  { maxTokens, overlap, minTokens }: Required<ChunkOptions>,
  count: (text: string) => number,
) {
  const tokensIn = createUnitCounter(text, units, count)
  let first = 0
  /** The first unit that is in no chunk yet; those from `first` to here are the overlap. */
  let fresh = 0
  while (fresh < units.length) {
    let last = first
    let sum = 0
    let isFull = false
    for (; last < units.length; last++) {
      const { opens, tokens } = units[last]
      if (last > fresh && (opens === 'record' || (opens === 'heading' && sum >= minTokens))) break
      isFull = sum + tokens > maxTokens && last > fresh
      if (isFull) break
      sum += tokens
    }
    if (isFull) last = bestEnd(text, units, first, fresh, last, maxTokens * FULL)
    while (last - 1 > fresh && last < units.length && units[last - 1].isHeading) last--

    let tokens = tokensIn(first, last)
    // Tokens of units do not add up exactly: white space at the ends goes, and words without a space between them join.
    while (tokens > maxTokens) {
      if (last - 1 > fresh) last--
      else first++
      tokens = tokensIn(first, last)
    }
    yield { first, last, text: text.slice(units[first].start, units[last - 1].end), tokens }

    fresh = last
    if (fresh === units.length) return
    const previous = first
    first = fresh
    if (units[fresh].opens) continue
    let shared = 0
    while (first - 1 > previous) {
      const { tokens: more, opens } = units[first - 1]
      if (shared + more > overlap || shared + more + units[fresh].tokens > maxTokens) break
      shared += more
      first--
      if (opens) break
    }
    while (first < fresh && tokensIn(first, fresh) > overlap) first++
  }
}

function bestEnd(text: string, units: readonly Unit[], first: number, fresh: number, end: number, full: number) {
  let sum = 0
  for (let i = first; i < end; i++) sum += units[i].tokens
  let best = end
  let bestHash = Number.POSITIVE_INFINITY
  for (let last = end; last > fresh; last--) {
    const unit = units[last - 1]
    if (last < end && sum < full) break
    sum -= unit.tokens
    if (last < end && unit.cut > units[best - 1].cut) continue
    const hash = hashOf(text, unit)
    if (last < end && unit.cut === units[best - 1].cut && hash >= bestHash) continue
    best = last
    bestHash = hash
  }
  return best
}

/** FNV-1a. */
function hashOf(text: string, { start, end }: Unit): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
