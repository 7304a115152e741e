import { stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { byCodeUnit } from '../dataset/order.js'
import { AdapterTrainError, messageOf } from '../errors.js'

/**
 * Finds the files that paths name: files, folders (with all below them but hidden files) and glob patterns.
 *
 * @returns every file once, sorted; relative to the working directory where it is in it, with forward slashes
 * @throws FILE_NOT_FOUND when a path does not exist, or a folder or pattern holds no file
 */
export async function findFiles(paths: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const files = new Set<string>()
  for (const path of paths) {
    const found = await filesAt(path, signal)
    for (const file of found) files.add(displayPath(file))
  }
  return [...files].sort(byCodeUnit)
}

async function filesAt(path: string, signal: AbortSignal | undefined): Promise<string[]> {
  const { glob, isDynamicPattern } = await import('tinyglobby')
  // What exists is meant as it stands: names may hold brackets.
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new AdapterTrainError('FILE_READ', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      details: { file: path },
    })
  })
  if (stats?.isDirectory()) {
    const names = await glob('**/*', { cwd: path, signal, ignore: '**/node_modules/**' })
    if (names.length === 0) throw notFound(path, 'the folder holds no files')
    return names.map(name => join(path, name))
  }
  if (stats) return [path]
  if (!isDynamicPattern(path)) throw notFound(path, 'there is no such file or folder')
  const names = await glob(path, { signal, absolute: true, expandDirectories: false })
  if (names.length === 0) throw notFound(path, 'no file matches the pattern')
  return names
}

function displayPath(file: string): string {
  const absolute = resolve(file)
  const inside = relative(process.cwd(), absolute)
  const isInside = inside !== '' && !isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`)
  return (isInside ? inside : absolute).split(sep).join('/')
}

function notFound(path: string, problem: string): AdapterTrainError {
  return new AdapterTrainError('FILE_NOT_FOUND', `cannot read documents from ${path}: ${problem}`, {
    details: { file: path },
  })
}
