import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatasetFormatName } from '../../dataset/formats/index.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { writeFileAtomic } from '../../files.js'
import { type FirstLook, firstLook, partsBeside } from '../../pipeline/first-look.js'
import type { InitArgs } from '../commands/init.js'
import { DATA_FILES } from '../options/data-files.js'
import { type Console, reportSkipped } from '../output/console.js'
import { count } from '../output/tables.js'
import { type DataFiles, type ExaminedData, examineData } from './examine-data.js'
import { type Prompter, yesNo } from './prompter.js'

export interface ChosenDataset {
  readonly kind: 'dataset'
  readonly format: DatasetFormatName
  readonly examined: ExaminedData
  readonly files: DataFiles
  readonly sample?: ReturnType<typeof sampleData>
}

/** Data that `--data` or an answer names. */
export type ChosenData = ChosenDataset | Exclude<FirstLook, { kind: 'dataset' | 'unknown' }>

const SAMPLE = 'sample'
/** Default places of data; the first that exists is proposed. */
const USUAL = [DATA_FILES.train, join('data', DATA_FILES.train), 'train.jsonl', 'train.json', 'train.csv']
const DOCUMENT_FOLDERS = ['documents', 'docs']

/** Chooses the data: that of the options, else of the answer, or without questions what is found. */
export async function chooseData(args: InitArgs, out: Console, prompter: Prompter | undefined): Promise<ChosenData> {
  if (args.sample && (args.data ?? args.val ?? args.test) !== undefined)
    throw usageError('--sample cannot be combined with --data, --val or --test; drop them')
  if (args.sample) return chooseSample()
  const found = args.data ?? (await findData())
  if (!prompter || args.data !== undefined) {
    if (found === undefined) throw usageError('found no data here: give --data PATH, or --sample')
    return lookAt(found, args, out)
  }
  prompter.say(
    '\nData: a dataset (JSON, JSON Lines, CSV, a BEIR folder, ...), or documents without queries (PDF, Markdown, ...),\n' +
      `or "${SAMPLE}" for the sample data that comes with this program.`,
  )
  for (;;) {
    const chosen = await prompter.ask({
      text: 'data',
      fallback: found ?? SAMPLE,
      read: answer => (answer === SAMPLE && !existsSync(answer) ? chooseSample() : lookAt(answer, args, out)),
    })
    if (chosen.kind !== 'dataset') return chosen
    const invalid = chosen.examined.loaded.skipped.length
    if (invalid === 0 || (await prompter.ask(yesNo(`leave ${count(invalid, 'entry', 'entries')} out?`, true)))) return chosen
    prompter.say('Fix the data and name it again, or name another.')
  }
}

async function chooseSample(): Promise<ChosenDataset> {
  const sample = sampleData()
  const examined = await examineData(sample.files)
  return { kind: 'dataset', format: 'llamaindex', examined, files: sample.kept, sample }
}

async function lookAt(named: string, { val, test }: InitArgs, out: Console): Promise<ChosenData> {
  // A folder stands for what import and generate write to it.
  const inside = [DATA_FILES.train, 'train.json'].map(name => join(named, name).replaceAll('\\', '/'))
  const path = inside.find(file => existsSync(file)) ?? named
  const look = await firstLook(path)
  if (look.kind === 'columns' || look.kind === 'documents') return look
  const found = await partsBeside(path)
  const files = { train: found.train, val: val ?? found.val, test: test ?? found.test }
  const examined = await examineData(files)
  reportSkipped(examined.loaded.skipped, out)
  return { kind: 'dataset', format: look.kind === 'dataset' ? look.format : 'json', examined, files }
}

async function findData(): Promise<string | undefined> {
  const file = USUAL.find(path => existsSync(path))
  if (file !== undefined) return file.replaceAll('\\', '/')
  if (existsSync('corpus.jsonl') && existsSync('queries.jsonl')) return '.'
  for (const folder of DOCUMENT_FOLDERS) {
    const look = existsSync(folder) ? await firstLook(folder).catch(() => undefined) : undefined
    if (look?.kind === 'documents') return folder
  }
  return undefined
}

const SHIPPED = fileURLToPath(new URL('../../../examples/data', import.meta.url))
const FILES = { train: 'train_dataset.json', val: 'val_dataset.json', test: 'test_dataset.json' } as const
/** Folder of the copy of the sample data, if the package is outside the current folder. */
const COPY = 'sample-data'

/** Finds the sample data of the package. @throws FILE_NOT_FOUND when the package lacks them */
function sampleData() {
  if (!existsSync(join(SHIPPED, FILES.train)))
    throw new AdapterTrainError('FILE_NOT_FOUND', `the sample data is missing: expected it in ${SHIPPED}`)
  const inside = relative(process.cwd(), SHIPPED)
  const isInside = inside !== '..' && !/^\.\.[\\/]/.test(inside) && !isAbsolute(inside)
  const files = inFolder(isInside ? inside.replaceAll('\\', '/') : SHIPPED)
  const kept = isInside ? files : inFolder(COPY)
  return {
    /** Paths to read from now. */
    files,
    /** Paths that outlast the package, such as one downloaded by npx for one run; they exist after `keep`. */
    kept,
    /** Copies the files if necessary. Returns the copies. @throws FILE_WRITE when another file has the name of one */
    keep(): string[] {
      if (isInside) return []
      const copies = (['train', 'val', 'test'] as const).map(name => ({ path: kept[name], data: readFileSync(files[name]) }))
      const other = copies.find(({ path, data }) => existsSync(path) && !readFileSync(path).equals(data))
      if (other) throw new AdapterTrainError('FILE_WRITE', `cannot write ${other.path}: another file of that name is there`)
      for (const { path, data } of copies) writeFileAtomic(path, data)
      return copies.map(({ path }) => path)
    },
  }
}

function inFolder(folder: string): typeof FILES {
  const paths = Object.entries(FILES).map(([name, file]) => [name, join(folder, file).replaceAll('\\', '/')])
  return Object.fromEntries(paths) as typeof FILES
}
