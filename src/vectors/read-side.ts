import { join } from 'node:path'
import { show } from '../dataset/check.js'
import { createLineFinder, readJsonDocument } from '../dataset/json-cursor.js'
import { formatError, invalidFile, location, readTextFile } from '../dataset/text-file.js'
import { AdapterTrainError } from '../errors.js'
import { isObject, tryJson } from '../json.js'
import { firstNonFinite } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { readJsonlVectors } from './jsonl.js'
import { openNpy, readNpy } from './npy.js'
import { openRaw, readRaw } from './raw.js'

/** Vectors of one side (queries or documents) of a part. */
export interface VectorSide {
  readonly file: string
  readonly matrix: Rows
  readonly ids: readonly string[]
  readonly texts?: readonly (string | undefined)[]
}

type Found = Omit<VectorSide, 'file' | 'ids'> & { readonly ids?: readonly string[] }
type Read = (path: string, folder: string, lazy: boolean) => Promise<Found>

const SHAPE = 'shape.json'

const FORMS: Readonly<Record<string, Read>> = {
  '.npy': async (path, _folder, lazy) => ({ matrix: await (lazy ? openNpy : readNpy)(path) }),
  '.f32': async (path, folder, lazy) => ({ matrix: await (lazy ? openRaw : readRaw)(path, await readDimension(path, folder)) }),
  '.jsonl': readJsonlVectors,
}

/** Lists the names that vectors called `stem` may have, as in `a.npy, a.f32 or a.jsonl`. */
export function expectedNames(stem: string): string {
  const names = Object.keys(FORMS).map(extension => stem + extension)
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Finds the extension of the file with the vectors called `stem`; `undefined` if there is none. */
export function findForm(folder: string, entries: readonly string[], stem: string): string | undefined {
  const found = Object.keys(FORMS).filter(extension => entries.includes(stem + extension))
  if (found.length <= 1) return found[0]
  const names = found.map(extension => stem + extension)
  throw formatError(folder, `${folder} holds ${names.join(' and ')}, which may differ. Keep one of them.`, { names })
}

/**
 * Reads the vectors called `stem`, and their texts if `textsName` or the vectors' own file has them.
 * @param lazy check the vectors of `.npy` and `.f32` files and leave them there
 */
export async function readSide(
  folder: string,
  entries: readonly string[],
  stem: string,
  textsName: string,
  lazy: boolean,
): Promise<VectorSide> {
  const extension = findForm(folder, entries, stem)!
  const file = join(folder, stem + extension)
  const { matrix, ids, texts } = await FORMS[extension](file, folder, lazy)
  if (matrix.rows === 0 || matrix.cols === 0) throw invalidFile({ file }, 'holds no vectors')
  assertFinite(file, extension, matrix)
  const side = { file, matrix, ids: ids ?? Array.from({ length: matrix.rows }, (_, i) => String(i)) }
  if (!entries.includes(textsName)) return texts === undefined ? side : { ...side, texts }
  const textsPath = join(folder, textsName)
  if (texts !== undefined) throw formatError(file, `${file} holds texts, and so does ${textsPath}. Keep one of them.`)
  return { ...side, texts: await readTexts(textsPath, side) }
}

function assertFinite(file: string, extension: string, vectors: Rows): void {
  for (const { start, block } of blocksOf(vectors)) {
    const at = firstNonFinite(block.data)
    if (at < 0) continue
    const [row, column] = [start + Math.floor(at / block.cols), at % block.cols]
    const line = extension === '.jsonl' ? row + 1 : undefined
    const place = `${location({ file, line })}: row ${row}, column ${column} (from 0)`
    const message = `${place} is ${block.data[at]} as float32, expected a finite number`
    throw new AdapterTrainError('VECTOR_INVALID', message, { details: { file, row, column } })
  }
}

async function readDimension(rawFile: string, folder: string): Promise<number> {
  const file = join(folder, SHAPE)
  const text = await readTextFile(file).catch(cause => {
    if (!(cause instanceof AdapterTrainError && cause.code === 'FILE_NOT_FOUND')) throw cause
    const message = `${rawFile} needs ${file}, which does not exist: it says how long a vector is, as {"dim": 384}`
    throw new AdapterTrainError('FILE_NOT_FOUND', message, { cause, details: { file } })
  })
  const expected = 'expected an object such as {"dim": 384}'
  const shape = tryJson(text)
  if (shape === undefined) throw invalidFile({ file }, `is not JSON, ${expected}`)
  if (!isObject(shape)) throw invalidFile({ file }, `is ${show(shape)}, ${expected}`)
  const { dim } = shape
  if (Number.isSafeInteger(dim) && (dim as number) > 0) return dim as number
  throw invalidFile({ file }, `"dim" is ${show(dim)}, expected a whole number above 0`)
}

async function readTexts(path: string, { file, matrix }: VectorSide): Promise<string[]> {
  const texts: string[] = []
  await readJsonDocument(path, cursor => {
    const lineOf = createLineFinder(cursor.text)
    cursor.array(index => {
      const line = lineOf(cursor.offset)
      const text = cursor.value()
      if (typeof text !== 'string')
        throw invalidFile({ file: path, line }, `text ${index} (from 0) is ${show(text)}, expected a string`)
      texts.push(text)
    })
  })
  if (texts.length === matrix.rows) return texts
  throw invalidFile({ file: path }, `holds ${texts.length} texts, expected ${matrix.rows} as ${file} has rows`)
}
