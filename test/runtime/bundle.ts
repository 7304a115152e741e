import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../scripts/build-runtime.mjs', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'adapter-runtime-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The bundle as it is published, built for the test. */
export const BUNDLE = join(folder, 'runtime.js')
execFileSync(process.execPath, [SCRIPT, BUNDLE])

export const BUNDLE_TEXT = readFileSync(BUNDLE, 'utf8')

/** The module. */
export const importBundle = (): Promise<typeof import('../../src/runtime/index.js')> => import(pathToFileURL(BUNDLE).href)
