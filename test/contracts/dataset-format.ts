import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import type { DatasetFormat } from '../../src/dataset/formats/format.js'
import { DATASET_FORMATS, type DatasetFormatName } from '../../src/dataset/formats/index.js'
import { hashDataset } from '../../src/dataset/hash.js'
import { probePath } from '../../src/dataset/probe.js'
import { readDataset } from '../../src/dataset/read.js'
import { writeParts } from '../../src/dataset/write-parts.js'
import { DATASET_WRITERS } from '../../src/dataset/writers/index.js'
import { AdapterTrainError } from '../../src/errors.js'
import { failure, temporaryFolder } from '../dataset/temporary-folder.js'

/** A file's text, or for a format that is a folder the texts of its files by name. */
export type Sample = string | Readonly<Record<string, string>>

/** query text -> document text -> grade */
export type Judgements = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface FormatSamples {
  readonly valid: Sample
  readonly judged: Judgements
  /** Samples with one entry that is wrong, each with its place and what is left without it. */
  readonly broken: readonly {
    readonly sample: Sample
    /** Of the entry, as `:line`, in a folder after the file's name. */
    readonly at: string
    readonly problem: RegExp
    readonly left: Judgements
  }[]
}

/**
 * What every data set format must do: be recognised by its content, and by no other format; read the same under other line ends, with
 * a byte order mark and through every writer; name the place of a wrong entry, or leave just that out; and end in nothing worse than
 * an error of ours where the file is cut off anywhere.
 *
 * @param format one of the registry
 */
export function datasetFormatContract(format: DatasetFormat, { valid, judged, broken }: FormatSamples): void {
  const name = format.name as DatasetFormatName
  const read = async (sample: Sample): Promise<QADataset> => (await readDataset(pathOf(sample))).dataset

  describe(`data set format ${name}`, () => {
    test('is registered once, says what it looks like, and is recognised by its content alone', async () => {
      expect(DATASET_FORMATS.filter(candidate => candidate.name === name)).toEqual([format])
      expect(format.description).toMatch(/^\S.*[^.]$/)
      const probe = await probePath(pathOf(valid))
      expect(DATASET_FORMATS.filter(candidate => candidate.detect(probe))).toEqual([format])
    })

    test('reads queries, documents and grades, with its name given or not', async () => {
      const dataset = await read(valid)
      expect(judgementsOf(dataset)).toEqual(judged)
      const named = await readDataset(pathOf(valid), { format: name })
      expect(hashDataset(named.dataset)).toBe(hashDataset(dataset))
      expect(named.skipped).toEqual([])
    })

    test.each<[string, (text: string) => string]>([
      ['Windows line ends', text => text.replaceAll('\n', '\r\n')],
      ['a byte order mark', text => `\uFEFF${text}`],
      ['no line end at its end', text => text.replace(/\n$/, '')],
    ])('reads the same from a file with %s', async (_, change) => {
      expect(judgementsOf(await read(mapSample(valid, change)))).toEqual(judged)
    })

    test.each(DATASET_WRITERS.map(writer => writer.name))('is the same written as %s and read back', async writerName => {
      const writer = DATASET_WRITERS.find(candidate => candidate.name === writerName)!
      const dataset = await read(valid)
      const parts = { train: dataset }
      const folder = temporaryFolder()
      writeParts(parts, folder, { format: writerName })
      const part = join(folder, writer.partFiles.train)
      const back = judgementsOf((await readDataset(part)).dataset)
      const lost = writer.losses(parts).length > 0
      expect(back).toEqual(lost ? withoutGrades(judged) : judged)
    })

    test.each(broken)('names the place of a wrong entry ($at, $problem), and leaves it out when asked', async entry => {
      const path = pathOf(entry.sample)
      const { message, details } = await failure(() => readDataset(path), 'DATASET_INVALID')
      expect(message).toContain(`${path}${entry.at}: `)
      expect(message).toMatch(entry.problem)
      expect(details).toMatchObject({ line: Number(entry.at.split(':')[1]) })
      const { dataset, skipped } = await readDataset(path, { skipInvalid: true })
      expect(judgementsOf(dataset)).toEqual(entry.left)
      expect(skipped.map(({ line }) => line)).toContain(Number(entry.at.split(':')[1]))
    })

    test('has samples of wrong entries', () => expect(broken.length).toBeGreaterThan(0))

    test('gives a data set or an error of ours, naming the path, wherever the file is cut off', async () => {
      const length = Math.max(...Object.values(filesOf(valid)).map(text => text.length))
      let errors = 0
      for (let end = 0; end < length; end += Math.ceil(length / 40)) {
        const path = pathOf(mapSample(valid, text => text.slice(0, end)))
        try {
          const { dataset } = await readDataset(path, { format: name, skipInvalid: true })
          expect(dataset.queries.size).toBeGreaterThan(0)
        } catch (error) {
          errors++
          expect(error, `cut off after ${end} characters`).toBeInstanceOf(AdapterTrainError)
          expect((error as Error).message).toContain(path)
        }
      }
      expect(errors).toBeGreaterThan(0)
    })
  })
}

const filesOf = (sample: Sample): Readonly<Record<string, string>> => (typeof sample === 'string' ? { data: sample } : sample)

function mapSample(sample: Sample, change: (text: string) => string): Sample {
  if (typeof sample === 'string') return change(sample)
  return Object.fromEntries(Object.entries(sample).map(([name, text]) => [name, change(text)]))
}

/** Writes a sample, under names that say nothing, and returns its path. */
function pathOf(sample: Sample): string {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(filesOf(sample))) write(join(folder, name), text)
  return typeof sample === 'string' ? join(folder, 'data') : folder
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function judgementsOf({ queries, corpus, qrels }: QADataset): Judgements {
  return Object.fromEntries(
    [...qrels].map(([query, documents]) => [
      queries.get(query)!,
      Object.fromEntries([...documents].map(([id, grade]) => [corpus.get(id)!, grade])),
    ]),
  )
}

/** What a format that holds relevant documents alone keeps. */
function withoutGrades(judged: Judgements): Judgements {
  const relevant = (documents: Readonly<Record<string, number>>) =>
    Object.entries(documents).flatMap(([text, grade]) => (grade > 0 ? [[text, 1] as const] : []))
  return Object.fromEntries(Object.entries(judged).map(([query, documents]) => [query, Object.fromEntries(relevant(documents))]))
}
