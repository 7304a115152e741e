import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const { bin, dependencies, exports, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** Peers whose types an entry needs; every other entry compiles with none installed. */
const PEERS: Readonly<Record<string, string>> = { './langchain': '@langchain/core' }
const entries = Object.keys(exports).filter(entry => entry !== './package.json')

let folder: string
const installed = (name = '') => join(folder, 'node_modules/adapter-train', name)

/** The package as npm packs it, its dependencies, TypeScript's lib and Node's types: nothing else is to be found. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-train-consumer-'))
  execFileSync('npm', ['pack', '--ignore-scripts', '--offline', '--silent', '--pack-destination', folder], {
    cwd: ROOT,
  })
  execFileSync('tar', ['-xzf', `adapter-train-${version}.tgz`], { cwd: folder })
  mkdirSync(join(folder, 'node_modules'))
  renameSync(join(folder, 'package'), installed())
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const name of [...Object.keys(dependencies), '@types/node']) install(name)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function install(name: string): void {
  const link = join(folder, 'node_modules', name)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', name), link)
}

/** Messages of the compiler on a program that uses all values of entries. */
function compile(used: readonly string[], more = ''): string[] {
  const files = used.map((entry, i) => {
    const file = join(folder, `main-${used.length}-${i}.ts`)
    writeFileSync(file, `import * as entry from 'adapter-train${entry.slice(1)}'\nconsole.log(entry)\n${more}`)
    return file
  })
  const program = ts.createProgram(files, {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')],
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

test('the tarball holds every file that package.json names, and the documentation', () => {
  const targets: (string | Record<string, string>)[] = Object.values({ ...bin, ...exports })
  const named = targets.flatMap(target => (typeof target === 'string' ? [target] : Object.values(target)))
  for (const file of [...named, 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'docs/training.md'])
    expect(existsSync(installed(file)), file).toBe(true)
})

test('a consumer with strict and without skipLibCheck compiles every entry, with no peer installed', () => {
  expect(compile(entries.filter(entry => !PEERS[entry]))).toEqual([])
}, 300_000)

test.each(Object.entries(PEERS))(
  'adapter-train%s compiles with %s',
  (entry, peer) => {
    install(peer)
    expect(compile([entry])).toEqual([])
  },
  300_000,
)

test('a wrong use is found', () => {
  expect(compile(['./runtime'], "entry.adaptQuery('no adapter')\n")).toEqual([expect.stringContaining('main-1-0.ts: ')])
}, 300_000)
