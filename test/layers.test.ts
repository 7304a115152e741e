import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Folders (or files) of src from the bottom up: a file imports from its own layer or from a lower one. */
const LAYERS: readonly (readonly string[])[] = [
  ['abort.ts', 'errors.ts', 'files.ts', 'json.ts', 'maps.ts', 'memory-limit.ts', 'version.ts', 'words.ts', 'math'],
  ['dataset', 'terms'],
  ['providers', 'cache'],
  ['embed', 'vectors', 'documents', 'batch-api', 'indexes'],
  ['engines'],
  ['adapters', 'losses'],
  ['evaluate'],
  ['train', 'drift', 'wrap', 'runtime', 'runtime-terms', 'generate'],
  ['pipeline', 'history', 'convert', 'serve', 'integrations', 'report', 'pages'],
  ['index.ts', 'entries', 'cli'],
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

test('the map in CONTRIBUTING.md has every layer with its rooms', () => {
  const map = readFileSync(join(SRC, '../CONTRIBUTING.md'), 'utf8')
  const rows = [...map.matchAll(/^\| \d \| ([^|]+) \|/gm)].map(([, rooms]) =>
    [...rooms.matchAll(/`([^`]+)`/g)].map(([, room]) => room),
  )
  expect(rows.map(rooms => rooms.sort())).toEqual(LAYERS.map(rooms => [...rooms].sort()))
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
      !file.startsWith('cli/') && /\bconsole\.\w+\(|process\.(stdout|stderr)\.write/.test(readFileSync(join(SRC, file), 'utf8')),
  )
  expect(printing).toEqual([])
})

test('git tracks no node_modules: a checkout would replace the installed folder by it', () => {
  // To mend a branch: git rm --cached node_modules, then commit.
  expect(execFileSync('git', ['ls-files', 'node_modules'], { cwd: resolve(SRC, '..'), encoding: 'utf8' })).toBe('')
})
