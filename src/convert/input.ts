import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { wrong } from '../adapters/stored-adapter.js'
import { messageOf } from '../errors.js'
import { readRegularFile, visible } from '../files.js'
import { isObject, parseJsonText } from '../json.js'
import { attempt } from '../vectors/binary-file.js'

/** A file or folder to read. */
export type Input = ReturnType<typeof openInput>

export function openInput(path: string) {
  const contents = new Map<string, Uint8Array>()
  const isFolder = attempt(path, () => statSync(path).isDirectory())
  const pathOf = (name: string) => join(path, name)
  /** Reads the file, or a file of the folder, once. */
  const read = (name?: string): Uint8Array => {
    const at = name === undefined ? path : pathOf(name)
    const bytes = contents.get(at) ?? attempt(at, () => readRegularFile(at))
    contents.set(at, bytes)
    return bytes
  }
  return {
    path,
    /** Names of the files of a folder; `undefined` for a file. */
    names: isFolder ? attempt(path, () => visible(readdirSync(path))) : undefined,
    pathOf,
    read,
    /** Reads a JSON object in a file of the folder. */
    readJson(name: string): Readonly<Record<string, unknown>> {
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
