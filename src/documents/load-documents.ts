import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { AdapterTrainError, messageOf } from '../errors.js'
import { findFiles } from './find-files.js'
import { DOCUMENT_EXTENSIONS, DOCUMENT_LOADERS } from './loaders/index.js'
import type { Loaded } from './loaders/loader.js'
import type { SourceDocument } from './section.js'
import { throwIfStopped } from './stop.js'

/** A file that was not read, or not as a whole. */
export interface SkippedFile {
  readonly file: string
  /** Goes on from the file's name, such as "is encrypted: it needs a password". */
  readonly reason: string
  /** The rest of the file was read and is among the documents. */
  readonly partly?: true
}

/** What stops loading, and who hears of files that are left out. */
export interface LoadDocumentsOptions {
  readonly signal?: AbortSignal
  /** Called for every skipped file as it comes. */
  readonly onSkip?: (skipped: SkippedFile) => void
}

/** Sorted by file, each file once. */
export interface LoadedDocuments {
  readonly documents: readonly SourceDocument[]
  readonly skipped: readonly SkippedFile[]
}

/**
 * Reads documents: .pdf, .docx, .html, .md, .txt, .csv and .jsonl; a file that cannot be read is listed, never an error.
 *
 * @param paths files, folders (read with all below them but hidden files) and glob patterns
 * @throws USAGE when there are no paths
 * @throws FILE_NOT_FOUND when a path, folder or pattern names no file at all
 * @throws ABORTED when `signal` was aborted
 */
export async function loadDocuments(
  paths: readonly string[],
  { signal, onSkip }: LoadDocumentsOptions = {},
): Promise<LoadedDocuments> {
  if (paths.length === 0) {
    throw new AdapterTrainError('USAGE', 'expected files, folders or patterns of documents, found none')
  }
  throwIfStopped(signal)
  const documents: SourceDocument[] = []
  const skipped: SkippedFile[] = []
  for (const file of await findFiles(paths, signal)) {
    throwIfStopped(signal)
    const { sections, problem } = await load(file)
    if (sections.length > 0) documents.push({ file, sections })
    if (problem === undefined) continue
    const entry: SkippedFile = { file, reason: problem, ...(sections.length > 0 && { partly: true as const }) }
    skipped.push(entry)
    onSkip?.(entry)
  }
  return { documents, skipped }
}

async function load(file: string): Promise<Loaded> {
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
    if (stats.size === 0) return nothing('is empty')
    bytes = await readFile(file)
  } catch (error) {
    return nothing(`cannot be read: ${messageOf(error)}`)
  }
  try {
    const { sections, problem } = await loader.load(bytes)
    const filled = sections.filter(section => section.text.trim() !== '')
    return { sections: filled, problem: problem ?? (filled.length === 0 ? 'holds no text' : undefined) }
  } catch (error) {
    return nothing(`cannot be read as ${loader.name}: ${messageOf(error)}`)
  }
}
