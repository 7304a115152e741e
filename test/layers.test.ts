import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Folders (or files) of src from the bottom up: a file imports from its own layer or from a lower one. */
const LAYERS: readonly (readonly string[])[] = [
  [
    'errors.ts',
    'kebab.ts',
    'nearest.ts',
    'read-named-file.ts',
    'throw-if-aborted.ts',
    'version.ts',
    'memory-limit.ts',
    'write-file-atomic.ts',
    'math',
  ],
  ['dataset'],
  ['providers', 'cache'],
  ['embed', 'vectors', 'documents', 'batch'],
  ['engines'],
  ['adapters', 'losses'],
  ['evaluate'],
  ['train', 'wrap', 'runtime', 'generate'],
  ['pipeline', 'convert', 'serve', 'integrations', 'report'],
  ['index.ts', 'cli'],
]

const SRC = resolve(dirname(fileURLToPath(import.meta.url)), '../src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

function layerOf(file: string): number {
  const room = file.split('/')[0]
  return LAYERS.findIndex(rooms => rooms.includes(room))
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, target]) =>
    relative(SRC, resolve(SRC, dirname(file), target)).replace(/\.js$/, '.ts'),
  )
}

test('every file of src stands in a layer', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter(file => layerOf(file) < 0)).toEqual([])
})

test('no file imports from a higher layer', () => {
  const upward = files.flatMap(file =>
    importsOf(file)
      .filter(target => !target.startsWith('..') && layerOf(target) > layerOf(file))
      .map(target => `${file} imports ${target}`),
  )
  expect(upward).toEqual([])
})

test('only the command line prints', () => {
  const printing = files.filter(
    file =>
      !file.startsWith('cli/') &&
      /\bconsole\.\w+\(|process\.(stdout|stderr)\.write/.test(readFileSync(join(SRC, file), 'utf8')),
  )
  expect(printing).toEqual([])
})

test('no source file is longer than 300 lines', () => {
  const long = files
    .filter(file => !file.includes('.generated.'))
    .map(file => ({ file, lines: readFileSync(join(SRC, file), 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > 300)
  expect(long).toEqual([])
})
