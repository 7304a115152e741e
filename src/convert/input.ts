import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { wrong } from '../adapters/stored-adapter.js'
import { messageOf } from '../errors.js'
import { readRegularFile, visible } from '../files.js'
import { isObject, parseJsonText } from '../json.js'
import { attempt } from '../vectors/binary-file.js'

/** A file or folder to read. */
export interface Input {
  readonly path: string
  /** Names of the files of a folder; absent for a file. */
  readonly names?: readonly string[]
  pathOf(name: string): string
  /** Reads the file, or a file of the folder, once. */
  read(name?: string): Uint8Array
  /** Reads a JSON object in a file of the folder. */
  readJson(name: string): Readonly<Record<string, unknown>>
}

export function openInput(path: string): Input {
  const contents = new Map<string, Uint8Array>()
  const isFolder = attempt(path, () => statSync(path).isDirectory())
  const pathOf = (name: string) => join(path, name)
  const read = (name?: string): Uint8Array => {
    const at = name === undefined ? path : pathOf(name)
    const bytes = contents.get(at) ?? attempt(at, () => readRegularFile(at))
    contents.set(at, bytes)
    return bytes
  }
  return {
    path,
    names: isFolder ? attempt(path, () => visible(readdirSync(path))) : undefined,
    pathOf,
    read,
    readJson(name) {
      let value: unknown
      try {
        value = parseJsonText(Buffer.from(read(name)).toString('utf8'))
      } catch (error) {
        throw wrong(pathOf(name), `is not JSON: ${messageOf(error)}`)
      }
      if (!isObject(value)) throw wrong(pathOf(name), 'expected a JSON object')
      return value
    },
  }
}
