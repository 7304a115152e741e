import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AdapterTrainError } from '../../errors.js'
import { writeFileAtomic } from '../../write-file-atomic.js'

const SHIPPED = fileURLToPath(new URL('../../../examples/data', import.meta.url))
const FILES = { train: 'train_dataset.json', val: 'val_dataset.json', test: 'test_dataset.json' } as const

/** Where the sample data is copied to, where the package is not inside the current folder. */
const COPY = 'sample-data'

/** The sample data that comes with the package. */
export interface SampleData {
  /** Paths to read from now. */
  readonly files: typeof FILES
  /** Paths that outlast the package, such as one that npx has fetched for one run; they are there after {@link keep}. */
  readonly kept: typeof FILES
  /** Those of them that {@link keep} writes. */
  readonly copies: readonly string[]
  /** Copies the files where they have to be copied. @throws FILE_WRITE when another file has the name of a copy */
  keep(): void
}

/** @throws FILE_NOT_FOUND when the package was installed without them */
export function sampleData(): SampleData {
  if (!existsSync(join(SHIPPED, FILES.train))) {
    throw new AdapterTrainError('FILE_NOT_FOUND', `the sample data is missing: expected it in ${SHIPPED}`)
  }
  const inside = relative(process.cwd(), SHIPPED)
  const isInside = inside !== '..' && !/^\.\.[\\/]/.test(inside) && !isAbsolute(inside)
  const files = inFolder(isInside ? inside.replaceAll('\\', '/') : SHIPPED)
  const kept = isInside ? files : inFolder(COPY)
  const names = Object.keys(FILES) as (keyof typeof FILES)[]
  return {
    files,
    kept,
    copies: isInside ? [] : Object.values(kept),
    keep() {
      if (isInside) return
      const isOther = (name: keyof typeof FILES): boolean =>
        existsSync(kept[name]) && !readFileSync(kept[name]).equals(readFileSync(files[name]))
      const other = names.find(isOther)
      if (other !== undefined) {
        throw new AdapterTrainError('FILE_WRITE', `cannot write ${kept[other]}: another file of that name is there`)
      }
      for (const name of names) writeFileAtomic(kept[name], readFileSync(files[name]))
    },
  }
}

function inFolder(folder: string): typeof FILES {
  const paths = Object.entries(FILES).map(([name, file]) => [name, join(folder, file).replaceAll('\\', '/')])
  return Object.fromEntries(paths) as typeof FILES
}
