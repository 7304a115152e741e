import { stat } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { byCodeUnit } from '../dataset/text.js'
import { AdapterTrainError, messageOf } from '../errors.js'
import { visible } from '../files.js'

/** Finds files by paths, folders (all but hidden files) and globs: each once, sorted, with forward slashes. */
export async function findFiles(paths: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const files = new Set<string>()
  for (const path of paths) {
    for (const file of await filesAt(path, signal)) files.add(displayPath(file))
  }
  return [...files].sort(byCodeUnit)
}

async function filesAt(path: string, signal: AbortSignal | undefined): Promise<string[]> {
  const { glob, isDynamicPattern } = await import('tinyglobby')
  // An existing path is not a pattern: names may hold brackets.
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    const problem = `cannot read ${path}: ${messageOf(error)}`
    throw new AdapterTrainError('FILE_READ', problem, { cause: error, details: { file: path } })
  })
  if (stats?.isDirectory()) {
    const names = await glob('**/*', { cwd: path, signal, ignore: '**/node_modules/**' })
    if (names.length === 0) throw notFound(path, 'the folder holds no files')
    return visibleFiles(names).map(name => join(path, name))
  }
  if (stats) return [path]
  if (!isDynamicPattern(path)) throw notFound(path, 'there is no such file or folder')
  const names = await glob(path, { signal, absolute: true, expandDirectories: false })
  if (names.length === 0) throw notFound(path, 'no file matches the pattern')
  return visibleFiles(names)
}

const visibleFiles = (paths: readonly string[]): string[] =>
  paths.filter(path => visible([basename(path)]).length > 0 && !path.split(/[\\/]/).includes('__MACOSX'))

function displayPath(file: string): string {
  const absolute = resolve(file)
  const inside = relative(process.cwd(), absolute)
  const isInside = inside !== '' && !isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`)
  return (isInside ? inside : absolute).split(sep).join('/')
}

function notFound(path: string, problem: string): AdapterTrainError {
  const message = `cannot read documents from ${path}: ${problem}`
  return new AdapterTrainError('FILE_NOT_FOUND', message, { details: { file: path } })
}
