import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { throwIfReadingStopped } from '../abort.js'
import { messageOf, usageError } from '../errors.js'
import { findFiles } from './find-files.js'
import { DOCUMENT_EXTENSIONS, DOCUMENT_LOADERS } from './loaders/index.js'
import { type Loaded, MAX_DOCUMENT_BYTES, tooLarge } from './loaders/loader.js'
import type { SourceDocument } from './section.js'

/** A file that was not read, or only in part. */
export interface SkippedFile {
  readonly file: string
  /** A phrase after the file's name, such as "is encrypted: it needs a password". */
  readonly reason: string
  /** True if the rest of the file is among the documents. */
  readonly partly?: true
}

/** Settings of {@link loadDocuments}. */
export interface LoadDocumentsOptions {
  readonly signal?: AbortSignal
  /** Bytes of a file, after inflating, above which it is skipped; default `MAX_DOCUMENT_BYTES`. */
  readonly maxBytes?: number
  /** Called for every skipped file as it comes. */
  readonly onSkip?: (skipped: SkippedFile) => void
}

/** Documents and skipped files, sorted by file. */
export interface LoadedDocuments {
  readonly documents: readonly SourceDocument[]
  readonly skipped: readonly SkippedFile[]
}

/**
 * Reads documents: .pdf, .docx, .html, .md, .txt, .csv and .jsonl; files that cannot be read are listed.
 * @param paths files, folders (with everything below except hidden files) and glob patterns
 * @throws USAGE without paths
 * @throws FILE_NOT_FOUND if a path, folder or pattern names no file
 * @throws ABORTED if `signal` was aborted
 */
export async function loadDocuments(
  paths: readonly string[],
  { signal, onSkip, maxBytes = MAX_DOCUMENT_BYTES }: LoadDocumentsOptions = {},
): Promise<LoadedDocuments> {
  if (paths.length === 0) throw usageError('expected files, folders or patterns of documents, found none')
  throwIfReadingStopped(signal)
  const documents: SourceDocument[] = []
  const skipped: SkippedFile[] = []
  for (const file of await findFiles(paths, signal)) {
    throwIfReadingStopped(signal)
    const { sections, problem } = await load(file, maxBytes)
    if (sections.length > 0) documents.push({ file, sections })
    if (problem === undefined) continue
    const entry: SkippedFile = { file, reason: problem, ...(sections.length > 0 && { partly: true as const }) }
    skipped.push(entry)
    onSkip?.(entry)
  }
  return { documents, skipped }
}

async function load(file: string, maxBytes: number): Promise<Loaded> {
  const nothing = (problem: string): Loaded => ({ sections: [], problem })
  const extension = extname(file).toLowerCase()
  const loader = DOCUMENT_LOADERS.find(({ extensions }) => extensions.includes(extension))
  if (!loader) {
    const found = extension === '' ? 'has no extension' : `is of a kind that is not read (${extension})`
    return nothing(`${found}: expected one of ${DOCUMENT_EXTENSIONS.join(', ')}`)
  }
  let bytes: Buffer
  try {
    const stats = await stat(file)
    if (!stats.isFile()) return nothing('is not a file')
    if (stats.size > maxBytes) return nothing(tooLarge('it has', maxBytes))
    if (stats.size === 0) return nothing('is empty')
    bytes = await readFile(file)
  } catch (error) {
    return nothing(`cannot be read: ${messageOf(error)}`)
  }
  try {
    const { sections, problem } = await loader.load(bytes, maxBytes)
    const filled = sections.filter(section => section.text.trim() !== '')
    return { sections: filled, problem: problem ?? (filled.length === 0 ? 'holds no text' : undefined) }
  } catch (error) {
    const isDeep = error instanceof RangeError && /call stack/.test(error.message)
    // What a parser says when it stumbles over its own feet is of no use to anybody.
    const isOwn = error instanceof TypeError || /\bTypeError\b|\[xmldom/.test(messageOf(error))
    const reason = isOwn ? 'it is damaged' : messageOf(error)
    return nothing(isDeep ? 'is nested too deep' : `cannot be read as ${loader.name}: ${reason}`)
  }
}
