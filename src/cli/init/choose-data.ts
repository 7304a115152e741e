import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatasetFormatName } from '../../dataset/formats/index.js'
import { AdapterTrainError } from '../../errors.js'
import { type FirstLook, firstLook, partsBeside } from '../../pipeline/first-look.js'
import type { InitArgs } from '../commands/init.js'
import { DATA_FILES } from '../options/data-files.js'
import type { Console } from '../output/console.js'
import { reportSkipped } from '../output/report-skipped.js'
import { count } from '../output/tables.js'
import { type DataFiles, type ExaminedData, examineData } from './examine-data.js'
import { type Prompter, yesNo } from './prompter.js'
import { type SampleData, sampleData } from './sample-data.js'

/** A data set that can be trained on. */
export interface ChosenDataset {
  readonly kind: 'dataset'
  readonly format: DatasetFormatName
  readonly examined: ExaminedData
  /** Paths for the file of options. */
  readonly files: DataFiles
  readonly sample?: SampleData
}

/** What `--data` names, or what somebody means by an answer. */
export type ChosenData = ChosenDataset | Exclude<FirstLook, { kind: 'dataset' | 'unknown' }>

/** The answer that means the sample data. */
const SAMPLE = 'sample'

/** Where data is looked for where none is named, the first that is there. */
const USUAL = [DATA_FILES.train, join('data', DATA_FILES.train), 'train.jsonl', 'train.json', 'train.csv']
const DOCUMENT_FOLDERS = ['documents', 'docs']

/**
 * The data of the options; without any, that of the answer, or without questions that which is found.
 *
 * @throws USAGE when there is none
 * @throws as `firstLook` and `examineData`
 */
export async function chooseData(args: InitArgs, out: Console, prompter: Prompter | undefined): Promise<ChosenData> {
  if (args.sample && (args.data ?? args.val ?? args.test) !== undefined) {
    throw new AdapterTrainError('USAGE', '--sample takes the sample data; drop --data, --val and --test')
  }
  if (args.sample) return chooseSample()
  const found = args.data ?? (await findData())
  if (!prompter || args.data !== undefined) {
    if (found === undefined) throw new AdapterTrainError('USAGE', 'found no data here: give --data PATH, or --sample')
    const chosen = await lookAt(found, args, out)
    return chosen
  }
  prompter.say(
    '\nData: a data set (JSON, JSON Lines, CSV, a BEIR folder, ...), or documents without queries (PDF, Markdown, ...),\n' +
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
    if (invalid === 0 || (await prompter.ask(yesNo(`leave ${count(invalid, 'entry', 'entries')} out?`, true)))) {
      return chosen
    }
    prompter.say('Mend the data, and name it again; or name another.')
  }
}

async function chooseSample(): Promise<ChosenDataset> {
  const sample = sampleData()
  const examined = await examineData(sample.files)
  return { kind: 'dataset', format: 'llamaindex', examined, files: sample.kept, sample }
}

async function lookAt(named: string, { val, test }: InitArgs, out: Console): Promise<ChosenData> {
  // What import and generate write to a folder is meant where the folder is named.
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
