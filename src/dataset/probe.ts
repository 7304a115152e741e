import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { AdapterTrainError } from '../errors.js'
import { visible } from '../files.js'
import { lineFeeds } from './table.js'
import { assertFile, assertNotUtf16, fileError, formatError, invalidFile } from './text-file.js'

const HEAD_BYTES = 1 << 18

/** Names or first bytes of a path, by which a format recognises it. */
export interface Probe {
  readonly path: string
  /** Names in the folder, sorted; undefined for a file. */
  readonly entries?: readonly string[]
  /** Start of the file as text, without a byte order mark; empty for a folder. */
  readonly head: string
}

/** First bytes of files that are not text, with remedies. */
const BINARY = [
  { magic: '1f8b', what: 'gzip-compressed', remedy: 'Unpack it first.' },
  { magic: '504b0304', what: 'a ZIP archive', remedy: 'Unpack it first.' },
  { magic: '28b52ffd', what: 'Zstandard-compressed', remedy: 'Unpack it first.' },
  {
    magic: '50415231',
    what: 'a Parquet file, which is not read',
    remedy: 'Convert it to JSON Lines or CSV first, such as with duckdb or pandas.',
  },
] as const

/** Reads the names in a folder, or the head of a file. */
export async function probePath(path: string): Promise<Probe> {
  try {
    if (assertFile(path).isDirectory()) return { path, entries: visible(await readdir(path)).sort(), head: '' }
    const head = Buffer.concat(await createReadStream(path, { end: HEAD_BYTES - 1 }).toArray())
    assertText(path, head)
    const text = lineFeeds(new TextDecoder().decode(head))
    if (text.trim() === '') throw invalidFile({ file: path }, 'is empty, expected a dataset')
    return { path, head: text }
  } catch (error) {
    throw error instanceof AdapterTrainError ? error : fileError(path, error)
  }
}

function assertText(path: string, head: Buffer): void {
  assertNotUtf16(path, head)
  const hex = head.subarray(0, 8).toString('hex')
  const known = BINARY.find(({ magic }) => hex.startsWith(magic))
  if (!known && !head.includes(0)) return
  const found = known ? `${known.what}. ${known.remedy}` : 'binary (it holds zero bytes). Expected UTF-8 text.'
  throw formatError(path, `${path} is ${found}`)
}
