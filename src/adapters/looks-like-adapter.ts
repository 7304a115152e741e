import { closeSync, openSync, readSync } from 'node:fs'

/** Bytes in which an adapter file says that it is one. */
const HEAD = 512

/** Whether a file begins as an adapter file does; `false` where it cannot be read. */
export function looksLikeAdapter(path: string): boolean {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const head = Buffer.alloc(HEAD)
    const length = readSync(file, head, 0, HEAD, 0)
    return /^\s*\{\s*"format"\s*:\s*"adapter-train\//.test(head.toString('utf8', 0, length))
  } catch {
    return false
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
