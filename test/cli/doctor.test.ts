import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ENGINE_NAMES } from '../../src/engines/index.js'
import type { Diagnosis } from '../../src/pipeline/doctor/diagnose.js'
import { providerNames } from '../../src/providers/index.js'
import { type CliResult, cli, cliJson, folderWith, llamaIndex, MAIN } from './cli.js'

const ROOT = resolve(dirname(MAIN), '../..')
const packageJson = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const modules = (name: string) => join(ROOT, 'node_modules', name)
const byName = <T extends { name: string }>(list: readonly T[]): Record<string, T> =>
  Object.fromEntries(list.map(item => [item.name, item]))

describe.concurrent('doctor', () => {
  test('finds the machine, every engine, package and provider, and makes no file', async () => {
    const cwd = folderWith()
    const { code, stdout, stderr } = await cli(['doctor', '--json'], { cwd })
    expect([code, stderr]).toEqual([0, ''])
    const found: Diagnosis = JSON.parse(stdout)
    expect(found).toMatchObject({
      version: packageJson(ROOT).version,
      node: { version: process.versions.node, required: packageJson(ROOT).engines.node, ok: true },
      machine: { os: process.platform, arch: process.arch, cores: expect.any(Number) },
      cache: { file: 'cache/embeddings.sqlite', exists: false },
    })
    expect(found.machine.availableBytes).toBeGreaterThan(1e6)
    expect(found.machine.memoryBytes).toBeGreaterThanOrEqual(found.machine.availableBytes)
    expect(found.engines.map(({ name }) => name)).toEqual(ENGINE_NAMES)
    const engines = byName(found.engines)
    expect(engines.cpu).toMatchObject({ usable: true, description: expect.stringContaining('WebAssembly SIMD') })
    expect(engines.js).toEqual({ name: 'js', usable: true, description: 'plain TypeScript' })
    for (const { usable, description, problem } of found.engines) expect(usable ? description : problem).toMatch(/\S/)
    expect(engines[found.auto.engine!].usable).toBe(true)
    expect(found.auto.reason).toMatch(/\S/)
    expect(byName(found.packages)['better-sqlite3']).toEqual({
      name: 'better-sqlite3',
      usedBy: 'the embedding cache',
      version: packageJson(modules('better-sqlite3')).version,
    })
    expect(found.providers.map(({ name }) => name)).toEqual(providerNames)
    expect(byName(found.providers).openai).toEqual({
      name: 'openai',
      defaultModel: 'text-embedding-3-small',
      keyVariables: ['OPENAI_API_KEY'],
      keyFrom: null,
    })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('lists the same facts in aligned columns', async () => {
    const { code, stdout, stderr } = await cli(['doctor'], { cwd: folderWith() })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.match(/^\S.*$/gm)).toEqual(['System', 'Engines', 'GPU adapters', 'Packages', 'Providers', 'Cache'])
    expect(stdout).toMatch(/^ {2}Node\.js {8}\d+\.\d+\.\d+ \(needs >=20\.19\)$/m)
    expect(stdout).toMatch(/^ {2}cpu {5}yes +\S/m)
    expect(stdout).toMatch(/^ {2}js {6}yes +plain TypeScript$/m)
    expect(stdout).toMatch(/^ {2}auto {4}(cpu|webgpu|tfjs) +\S/m)
    expect(stdout).toMatch(/^ {2}hashing +- +needs no key$/m)
    expect(stdout).toMatch(/^ {2}cache\/embeddings\.sqlite {2}not there yet/m)
    expect(stdout).not.toMatch(/undefined|null|\[object| $/m)
  })

  test('names the variable that holds a key, and shows no part of it', async () => {
    const env = { OPENAI_API_KEY: 'sk-proj-Zq7Xv9', CO_API_KEY: ' ', COHERE_API_KEY: 'Wm4Jt8\nKp2' }
    const cwd = folderWith()
    const found = await cliJson<Diagnosis>(['doctor'], { cwd, env })
    const { openai, cohere, sbert } = byName(found.providers)
    expect(openai).toMatchObject({ keyFrom: 'OPENAI_API_KEY', keyVariables: ['OPENAI_API_KEY'] })
    expect(openai.problem).toBeUndefined()
    expect(cohere).toMatchObject({
      keyFrom: 'COHERE_API_KEY',
      problem: expect.stringMatching(/COHERE_API_KEY contains a/),
    })
    expect(sbert).toMatchObject({ keyFrom: null, keyVariables: [] })
    const { stdout, stderr } = await cli(['doctor'], { cwd, env })
    expect(stdout).toMatch(/^ {2}openai +text-embedding-3-small +key in OPENAI_API_KEY$/m)
    expect(JSON.stringify(found) + stdout + stderr).not.toMatch(/sk-|Zq7|Xv9|Wm4|Jt8|Kp2/)
  })

  test('shows a SwiftShader adapter as software, which auto takes only when it is asked for', async ctx => {
    const { VK_ICD_FILENAMES = '', LD_LIBRARY_PATH = '' } = process.env
    if (!VK_ICD_FILENAMES.includes('swiftshader')) ctx.skip('no SwiftShader here')
    const env = { VK_ICD_FILENAMES, LD_LIBRARY_PATH }
    const found = await cliJson<Diagnosis>(['doctor'], { cwd: folderWith(), env })
    expect(found.gpus.adapters).toEqual([{ name: expect.stringContaining('SwiftShader'), backend: 'vulkan', software: true }])
    expect(byName(found.engines).webgpu).toMatchObject({ usable: false, problem: expect.stringMatching(/on the CPU/) })
    expect(found.auto.engine).toBe('cpu')

    const asked = { ...env, ADAPTER_TRAIN_DEVICE: 'software' }
    const { stdout } = await cli(['doctor'], { cwd: folderWith(), env: asked })
    expect(stdout).toMatch(/^ {2}webgpu {2}yes +swiftshader.*Vulkan\)$/im)
    expect(stdout).toMatch(/^ {2}auto {4}webgpu {2}WebGPU found a GPU$/m)
    expect(stdout).toMatch(/^ {2}SwiftShader.* vulkan {2}software: computes on the CPU$/m)
  })
})

describe.concurrent('doctor and the cache', () => {
  test('counts what a cache holds and leaves it as it is', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(10) })
    await cliJson(['embed', '--base', 'hashing', 'd.json', '--cache', 'é dir/c.sqlite', '--dimensions', '64'], { cwd })
    const file = join(cwd, 'é dir/c.sqlite')
    const before = sha256(file)
    const { cache } = await cliJson<Diagnosis>(['doctor', '--cache', 'é dir/c.sqlite'], { cwd })
    expect(cache).toEqual({
      file: 'é dir/c.sqlite',
      exists: true,
      bytes: statSync(file).size,
      vectors: 20,
      spaces: [{ key: expect.stringContaining('hashing'), dimensions: 64, vectors: 20 }],
    })
    const { stdout } = await cli(['doctor', '--cache', 'é dir/c.sqlite'], { cwd })
    expect(stdout).toMatch(/é dir\/c\.sqlite {2}\d+\.\d MB, 20 vectors, 1 space\n {18}20 vectors of 64: hashing/)
    expect(sha256(file)).toBe(before)
    expect(readdirSync(join(cwd, 'é dir'))).toEqual(['c.sqlite'])
  })

  test.each([
    ['a text', 'text.sqlite', /it is not an SQLite database/],
    ['a folder', 'folder', /^it is not a file$/],
    ['a name that no file can have', 'n'.repeat(300), /ENAMETOOLONG/],
  ])('says what is wrong with %s, and ends well', async (_what, file, problem) => {
    const cwd = folderWith({ 'text.sqlite': 'dear diary, today I was no database, '.repeat(9), 'folder/x': '' })
    const { cache } = await cliJson<Diagnosis>(['doctor', '--cache', file], { cwd })
    expect(cache).toMatchObject({ file, problem: expect.stringMatching(problem) })
    expect(readdirSync(cwd).sort()).toEqual(['folder', 'text.sqlite'])
    expect(readFileSync(join(cwd, 'text.sqlite'), 'utf8')).toMatch(/^dear diary/)
  })

  test('does not make a cache of an empty file', async () => {
    const cwd = folderWith({ 'empty.sqlite': '' })
    const { cache } = await cliJson<Diagnosis>(['doctor', '--cache', 'empty.sqlite'], { cwd })
    expect(cache).toEqual({ file: 'empty.sqlite', exists: true, bytes: 0, vectors: 0, spaces: [] })
    expect(statSync(join(cwd, 'empty.sqlite')).size).toBe(0)
  })

  test('takes "none" for no cache', async () => {
    const { stdout } = await cli(['doctor', '--cache', 'none'], { cwd: folderWith() })
    expect(stdout).toMatch(/Cache\n {2}none {2}embeddings are not kept\n$/)
  })
})

describe.concurrent('doctor on another installation', () => {
  test('does without what is optional, and says that Node.js is too old', async () => {
    const { code, stdout, stderr } = await installed({ link: ['better-sqlite3'], node: '>=99.1' })
    expect([code, stderr]).toEqual([0, ''])
    const { node, engines, packages, auto, gpus }: Diagnosis = JSON.parse(stdout)
    expect(node).toEqual({ version: process.versions.node, required: '>=99.1', ok: false })
    expect(packages.filter(({ version }) => version !== null).map(({ name }) => name)).toEqual(['better-sqlite3'])
    expect(byName(engines)).toMatchObject({
      cpu: { usable: true, description: 'WebAssembly SIMD' },
      webgpu: { usable: false, problem: expect.stringContaining('npm install webgpu') },
      tfjs: { usable: false, problem: expect.stringContaining('npm install @tensorflow/tfjs-node') },
    })
    expect(gpus).toEqual({ adapters: [], problem: byName(engines).webgpu.problem })
    expect(auto.engine).toBe('cpu')
  })

  test('ends with 1 where better-sqlite3 is not installed, and still shows the rest', async () => {
    const { code, stdout, stderr } = await installed({})
    expect(code).toBe(1)
    expect(stderr).toBe('error: the package better-sqlite3 is not installed: run npm install\n')
    const { error, ...found } = JSON.parse(stdout)
    expect(error.code).toBe('ENGINE_UNAVAILABLE')
    expect(byName((found as Diagnosis).engines).cpu.usable).toBe(true)
    expect(byName((found as Diagnosis).packages)['better-sqlite3'].version).toBeNull()
  })

  test('says how to build better-sqlite3 where its install script did not run', async () => {
    const { code, stdout, stderr } = await installed({ link: ['bindings'], unbuilt: 'better-sqlite3', words: [] })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^error: better-sqlite3 cannot run: Could not locate the bindings file\. It .*"allowScripts".*npm rebuild better-sqlite3\n$/,
    )
    expect(stdout).toMatch(/^ {2}better-sqlite3 +\d+\.\d+\.\d+ +cannot run: Could not locate the bindings file$/m)
    expect(stdout).toMatch(/^ {2}cpu +yes/m)
  })

  test('outlives a driver that crashes', async () => {
    const webgpu = 'console.log("noise"); process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1000)'
    const { code, stdout, stderr } = await installed({ link: ['better-sqlite3'], fake: { webgpu } })
    expect([code, stderr]).toEqual([0, ''])
    const { engines, packages, auto, gpus }: Diagnosis = JSON.parse(stdout)
    expect(byName(engines)).toMatchObject({
      cpu: { usable: true },
      webgpu: { usable: false, problem: 'it crashed (SIGSEGV)' },
      js: { usable: true },
    })
    expect(auto).toEqual({ problem: 'it crashed (SIGSEGV)' })
    expect(gpus.problem).toBe('it crashed (SIGSEGV)')
    expect(byName(packages).webgpu.version).toBe('9.8.7')
  })

  test('gives up on a driver that hangs', async () => {
    const webgpu = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
    const { code, stdout } = await installed({ link: ['better-sqlite3'], fake: { webgpu }, words: [] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}webgpu {2}no {3}no answer within 15 seconds$/m)
    expect(stdout).toMatch(/^ {2}auto {4}no {3}no answer within 15 seconds; name an engine, such as --engine cpu$/m)
    expect(stdout).toMatch(/^ {2}cpu {5}yes/m)
  })

  test('ends with 1 where the cpu engine fails, and says why', async () => {
    const fake = {
      'onnxruntime-node': 'setTimeout(() => { throw new TypeError("bad hair day") }); await new Promise(() => {})',
    }
    const { code, stdout, stderr } = await installed({ link: ['better-sqlite3'], fake })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: the cpu engine cannot run: bad hair day\. /)
    const { packages, engines, auto }: Diagnosis = JSON.parse(stdout)
    expect(byName(packages)['onnxruntime-node'].problem).toBe('bad hair day')
    expect(byName(engines).js.usable).toBe(true)
    expect(auto).toEqual({ problem: 'bad hair day' })
  })

  test('says why the cpu engine does without an onnxruntime-node that is there', async () => {
    const fake = { 'onnxruntime-node': 'throw new Error("no such\\n  instruction")' }
    const { code, stdout } = await installed({ link: ['better-sqlite3'], fake, words: [] })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}cpu +yes +WebAssembly SIMD$/m)
    expect(stdout).toMatch(/^ {2}onnxruntime-node +9\.8\.7 +cannot run: no such instruction$/m)
  })
})

interface Installation {
  /** Packages that are there. */
  readonly link?: readonly string[]
  /** A package whose install script did not run. */
  readonly unbuilt?: string
  /** Packages that consist of this program, in version 9.8.7. */
  readonly fake?: Readonly<Record<string, string>>
  /** What the package needs of Node.js. */
  readonly node?: string
  readonly words?: readonly string[]
}

/** Runs the doctor of a copy of the built package that has only these packages, yargs and string-width. */
async function installed({ link = [], unbuilt, fake = {}, node, words = ['--json'] }: Installation): Promise<CliResult> {
  const folder = folderWith()
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  const { engines, ...rest } = packageJson(ROOT)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...rest, engines: { node: node ?? engines.node } }))
  const own = join(folder, 'node_modules')
  mkdirSync(own)
  for (const name of ['yargs', 'string-width', ...link]) symlinkSync(modules(name), join(own, name))
  if (unbuilt) {
    for (const part of ['lib', 'package.json'])
      cpSync(join(modules(unbuilt), part), join(own, unbuilt, part), { recursive: true })
  }
  for (const [name, program] of Object.entries(fake)) {
    mkdirSync(join(own, name, 'dist'), { recursive: true })
    writeFileSync(join(own, name, 'package.json'), JSON.stringify({ name, version: '9.8.7', type: 'module', main: 'index.js' }))
    for (const file of ['index.js', 'dist/binding.js']) writeFileSync(join(own, name, file), program)
  }
  expect(existsSync(join(own, 'yargs/package.json'))).toBe(true)
  const { PATH, HOME } = process.env
  return new Promise(done => {
    const child = execFile(
      process.execPath,
      [join(folder, 'dist/cli/main.js'), 'doctor', ...words],
      { cwd: folder, env: { PATH, HOME } },
      (_error, stdout, stderr) => done({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
    )
  })
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
