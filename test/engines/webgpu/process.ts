import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** That a program which uses the engine ends as it should: native code has its own ideas of lifetime. */
export function processTests(): void {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const cache = join(root, 'node_modules/.cache')
  let folder: string

  // The engine as plain JavaScript, in a folder from which the package "webgpu" is found.
  beforeAll(() => {
    mkdirSync(cache, { recursive: true })
    folder = mkdtempSync(join(cache, 'webgpu-test-'))
    const sources = ['errors.ts', 'maps.ts', 'engines/engine.ts', ...list('engines/webgpu')]
    for (const file of sources) {
      const target = join(folder, file.replace(/\.ts$/, '.mjs'))
      mkdirSync(dirname(target), { recursive: true })
      const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
      const { outputText } = ts.transpileModule(readFileSync(join(root, 'src', file), 'utf8'), { compilerOptions })
      writeFileSync(target, outputText.replace(/(from '\.[^']*)\.js'/g, "$1.mjs'"))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const list = (path: string): string[] =>
    readdirSync(join(root, 'src', path), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => join(path, file))

  const WORK = `
    const a = engine.upload({ rows: 2, cols: 2, data: Float32Array.of(1, 2, 3, 4) })
    const out = engine.alloc(2, 2)
    for (let k = 0; k < 200; k++) { engine.gemm(a, a, out); if (k % 50 === 0) { gc(); await engine.sync() } }
    console.log((await engine.read(out)).join())`

  test.each([
    ['after dispose', 'engine.dispose()'],
    ['without dispose', ''],
    ['with work that is not done', 'for (let k = 0; k < 500; k++) engine.gemm(a, a, out); engine.sync()'],
    [
      'when the engine is garbage',
      'engine = undefined; for (let k = 0; k < 5; k++) { gc(); await new Promise(resolve => setTimeout(resolve, 20)) }',
    ],
    ['after process.exit', 'process.exit(0)'],
  ])('exits by itself and without a crash %s', async (_, end) => {
    const script = join(folder, 'script.mjs')
    const start = `import { createWebGpuEngine } from './engines/webgpu/engine.mjs'
      let engine = await createWebGpuEngine({ allowSoftware: true })`
    writeFileSync(script, `${start}\n${WORK}\n${end}`)
    // Rejects on a signal or an exit code other than 0.
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script], { timeout: 50_000 })
    expect(stdout).toBe('7,10,15,22\n')
  })
}
