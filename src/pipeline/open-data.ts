import type { DatasetIssue, LoadedDataset, QADataset } from '../dataset/dataset.js'
import { selfMatches, selfMatchNotes } from '../dataset/dataset.js'
import { overlap } from '../dataset/describe.js'
import { type ReadDatasetOptions, readDataset } from '../dataset/read.js'
import { smallTestSet } from '../dataset/small-test-set.js'
import type { DatasetSplit, PartName, SplitDatasetOptions } from '../dataset/split.js'
import { PART_NAMES, splitDataset } from '../dataset/split.js'
import { isZero, zeroWarning } from '../embed/check.js'
import { embedDataset } from '../embed/embed-dataset.js'
import { type EmbeddedDataset, labelledRows, type VectorParts } from '../embed/embedded-dataset.js'
import type { EmbedStats } from '../embed/stats.js'
import { usageError } from '../errors.js'
import type { Effort } from '../indexes/vector-index.js'
import { row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { withTexts } from '../vectors/read-texts.js'
import { readVectors } from '../vectors/read-vectors.js'
import { splitEmbedded } from '../vectors/split-embedded.js'
import { SPLIT_DEFAULTS } from './defaults.js'
import type { EmbeddedParts, EmbedPartsOptions, EmbedSession } from './embedded-parts.js'
import { embedOptions, embedParts, once, partsFromVectors, seenByText, withTrain } from './embedded-parts.js'
import type { IndexSource } from './index-data.js'
import { type ProofSubject, subjectOf } from './proof.js'

/**
 * Where data come from, and the shares (0 to 0.9 of the training queries) held out for absent parts: by default 0.1 each, and
 * none of data in memory.
 */
export interface OpenDataOptions extends Pick<ReadDatasetOptions, 'skipInvalid' | 'format'> {
  /** Training set: a path, or a dataset in memory. */
  readonly train?: string | QADataset
  /** Validation set; if absent, `valFraction` of the training queries. */
  readonly val?: string | QADataset
  /** Test set; if absent, `testFraction` of the training queries. */
  readonly test?: string | QADataset
  /** Split of a BEIR folder that `test` names. */
  readonly split?: string
  /** Vectors of your own instead of the three sets: a folder, or parts in memory. */
  readonly vectors?: string | VectorParts<Rows>
  /** Folder with the texts behind the vectors; see `withTexts`. */
  readonly texts?: string
  /** Name of the embedding space of a folder of vectors. */
  readonly baseId?: string
  /** Index that has the documents of the sets, with their vectors: its URL, see `openIndex`, or a function that opens it. */
  readonly index?: IndexSource
  /** Condition for the rows of the index to use, in its own language. */
  readonly indexFilter?: string
  /** Effort of the index's own search, for `runEvaluation`. Default: the index's. */
  readonly indexEffort?: Effort
  readonly valFraction?: number
  readonly testFraction?: number
  readonly splitBy?: SplitDatasetOptions['by']
  readonly seed?: number
}

/** A part to measure on. */
export interface MeasuredPart extends ProofSubject {
  readonly part: PartName
  readonly embedding?: EmbedStats
  /** The index that holds the documents, to measure its own search. */
  readonly index?: { readonly source: IndexSource; readonly filter?: string; readonly effort?: Effort }
  /** Removes temporary files. */
  close?(): void
}

/** Data that were read and checked, and not embedded yet. */
export interface OpenedData {
  /** Paths that were read. */
  readonly inputs: readonly string[]
  /** Invalid entries left out, with `skipInvalid`. */
  readonly skipped: readonly DatasetIssue[]
  readonly warnings: readonly string[]
  /** Embedding space of vectors of your own. */
  readonly baseId?: string
  /** The datasets; absent for vectors of your own. */
  readonly parts?: Partial<DatasetSplit>
  /** Returns the text of a document, if it is known. */
  documentText(part: PartName, id: string): string | undefined
  /**
   * Embeds all parts.
   * @param session its `pseudoSeed` draws pseudo-queries for a small training set; none if absent
   * @throws USAGE without a training set, or without a provider for texts
   * @throws as `embedDataset`
   */
  embed(session?: EmbedPartsOptions): Promise<EmbeddedParts>
  /**
   * Embeds the part to measure on: the test set, else the validation set, else the training set.
   * @throws as `embed`
   */
  embedMeasured(session?: EmbedSession): Promise<MeasuredPart>
}

/**
 * Reads datasets or vectors, checks them, and holds out the parts that are absent. Sends nothing: errors in data come before the
 * first paid request.
 * @throws USAGE without data, as `readDataset` and `splitDataset`, and for vectors as `readVectors` and `splitEmbedded`
 */
export async function openData(options: OpenDataOptions): Promise<OpenedData> {
  const { vectors, index } = options
  if (vectors !== undefined) return openVectors(vectors, options)
  const loaded = await loadParts(options)
  const { parts } = loaded
  if (index !== undefined) {
    const { openIndexData } = await import('./index-data.js')
    const data = await openIndexData(index, parts, options)
    return { ...loaded, ...data, warnings: [...loaded.warnings, ...data.warnings] }
  }
  return {
    ...loaded,
    documentText: (part, id) => parts[part]?.corpus.get(id),
    async embed(session = {}) {
      const started = performance.now()
      const embedded = await embedParts(providerOf(session), withTrain(parts), session)
      return { ...embedded, seconds: Math.round(performance.now() - started) / 1000 }
    },
    async embedMeasured(session = {}) {
      const part = lastOf(parts)
      const { datasets, stats, close } = await embedDataset(providerOf(session), [parts[part]!], embedOptions(session))
      return { part, data: datasets[0], seen: seenByText(parts, part), embedding: stats, close }
    },
  }
}

async function openVectors(vectors: string | VectorParts<Rows>, options: OpenDataOptions): Promise<OpenedData> {
  const found = typeof vectors === 'string' ? await readVectors(vectors, { baseId: options.baseId, lazy: true }) : vectors
  const read = options.texts === undefined ? found : await withTexts(found, options.texts)
  const split = splitEmbedded(read.train, splitOptions(options, { val: read.validation, test: read.test }))
  const parts = { ...read, ...split, validation: read.validation ?? split.validation, test: read.test ?? split.test }
  const { test } = parts
  const seen = new Set<Rows>()
  const warnings = [
    ...PART_NAMES.flatMap(part => zeroNotes(read[part], `the ${part} part`, seen)),
    ...PART_NAMES.flatMap(part => selfMatchNotes(`the ${part} part`, parts[part]?.selfMatches)),
    ...(test ? smallTestSet('the test part', labelledRows(test).length, test.docs.rows) : []),
  ]
  const textsOf = once(() => new Map(PART_NAMES.map(part => [part, textById(parts[part])])))
  return {
    inputs: [],
    skipped: [],
    warnings,
    baseId: parts.train.baseId,
    documentText: (part, id) => textsOf().get(part)?.get(id),
    embed: async () => partsFromVectors(parts),
    async embedMeasured() {
      const part = lastOf(parts)
      const { seen, ...subject } = subjectOf(partsFromVectors(parts), part)
      return { part, ...subject, ...(part !== 'train' && { seen }) }
    },
  }
}

/** Warns of vectors of zeros. @param seen sides warned of before: parts share their documents */
export function zeroNotes(data: EmbeddedDataset<Rows> | undefined, name: string, seen = new Set<Rows>()): string[] {
  const sides: ['query' | 'document', Rows, readonly string[]][] = data
    ? [
        ['query', data.queries, data.queryIds],
        ['document', data.docs, data.docIds],
      ]
    : []
  return sides.flatMap(([role, from, ids]) => {
    const zeros: number[] = []
    for (const { start, block } of seen.has(from) ? [] : blocksOf(from))
      for (let i = 0; i < block.rows; i++) if (isZero(row(block, i))) zeros.push(start + i)
    seen.add(from)
    const nameOf = (at: number): string => `${role} ${ids[at]} of ${name}`
    return zeros.length > 0 ? [`${zeroWarning(data!.baseId, role, zeros, nameOf)}. Check the files`] : []
  })
}

function textById(data: VectorParts<Rows>['test']): Map<string, string | undefined> {
  return new Map(data?.docIds.map((id, row) => [id, data.docTexts?.[row]]))
}

const lastOf = (parts: { readonly [part in PartName]?: unknown }): PartName => PART_NAMES.findLast(name => parts[name])!

function providerOf({ provider }: EmbedSession): EmbeddingProvider {
  if (provider) return provider
  throw usageError('texts have no vectors: expected a provider that embeds them, found none')
}

function splitOptions(
  { splitBy = SPLIT_DEFAULTS.splitBy, seed = TRAIN_DEFAULTS.seed, ...options }: OpenDataOptions,
  given: { readonly val?: unknown; readonly test?: unknown },
): SplitDatasetOptions {
  const inMemory = typeof (options.vectors ?? options.train) !== 'string'
  const share = (name: 'valFraction' | 'testFraction') => options[name] ?? (inMemory ? 0 : SPLIT_DEFAULTS[name])
  return {
    by: splitBy,
    seed,
    fractions: { validation: given.val ? 0 : share('valFraction'), test: given.test ? 0 : share('testFraction') },
  }
}

/** Parts as they were read. A part is absent if its fraction is 0 and no source is given. */
export interface LoadedParts extends Pick<OpenedData, 'inputs' | 'skipped' | 'warnings'> {
  readonly parts: DatasetSplit
}

/** Reads the training, validation and test set, and holds out of the training queries what is absent. */
export function loadParts(options: OpenDataOptions & { readonly train: string | QADataset }): Promise<LoadedParts>
export function loadParts(
  options: OpenDataOptions,
): Promise<Omit<LoadedParts, 'parts'> & { readonly parts: Partial<DatasetSplit> }>
export async function loadParts({ skipInvalid, format, split, ...options }: OpenDataOptions): Promise<LoadedParts> {
  const documentsElsewhere = options.index !== undefined
  const read = async (source: string | QADataset | undefined, more?: ReadDatasetOptions) => {
    if (typeof source === 'string') return readDataset(source, { skipInvalid, format, documentsElsewhere, ...more })
    return source && ({ dataset: source, skipped: [], notes: [] } satisfies LoadedDataset)
  }
  const given = { train: await read(options.train), val: await read(options.val), test: await read(options.test, { split }) }
  const loaded = [given.train, given.val, given.test].filter(set => set !== undefined)
  if (loaded.length === 0) throw usageError('no data: expected a training set, a test set or vectors, found none')
  const wanted = splitOptions(options, given)
  const { validation, test } = wanted.fractions
  const train = given.train?.dataset
  const held: Partial<DatasetSplit> = train && (validation || test) ? splitDataset(train, wanted) : {}
  const parts = {
    train: held.train ?? train,
    validation: given.val?.dataset ?? held.validation,
    test: given.test?.dataset ?? held.test,
  }
  return {
    parts: parts as DatasetSplit,
    inputs: [options.train, options.val, options.test].filter(source => typeof source === 'string'),
    skipped: loaded.flatMap(set => set.skipped),
    warnings: [
      ...loaded.flatMap(({ dataset, notes }) => [...notes, ...selfMatchNotes(dataset.name, selfMatches(dataset))]),
      ...leaks(parts),
      ...(parts.test && !documentsElsewhere
        ? smallTestSet(parts.test.name, parts.test.queries.size, parts.test.corpus.size)
        : []),
    ],
  }
}

function leaks({ train, validation, test }: Partial<DatasetSplit>): string[] {
  return [validation, test].flatMap(part => {
    const shared = train && part ? overlap(train, part).queryTexts : []
    if (!part || shared.length === 0) return []
    const example = shared[0].length > 60 ? `${shared[0].slice(0, 60)}…` : shared[0]
    return [
      `${shared.length} of the ${part.queries.size} queries of ${part.name} are training queries too (such as "${example}"): its figures flatter the adapter`,
    ]
  })
}
