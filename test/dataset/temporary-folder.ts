import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { AdapterTrainError, type ErrorCode } from '../../src/errors.js'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adapter-train-dataset-'))
  folders.push(folder)
  return folder
}

/** Writes files (path in the folder -> content) into a new folder and returns it. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** Writes one file into a new folder and returns its path. */
export function fileWith(content: string | Uint8Array, name = 'data'): string {
  return join(folderWith({ [name]: content }), name)
}

/** The error that `action` throws, which has to be ours and to carry the code. */
export async function failure(action: () => unknown, code: ErrorCode): Promise<AdapterTrainError> {
  try {
    await action()
  } catch (error) {
    expect(error).toBeInstanceOf(AdapterTrainError)
    expect(error).toMatchObject({ code })
    return error as AdapterTrainError
  }
  throw new Error(`expected an error with code ${code}`)
}
