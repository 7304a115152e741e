import { inspectDataset } from '../../dataset/inspect-dataset.js'
import { findLeaks } from '../../dataset/leaks.js'
import { PSEUDO_QUERIES } from '../../dataset/pseudo-queries.js'
import { SUSPICIONS, type Suspicion } from '../../dataset/suspicious-queries.js'
import { AdapterTrainError } from '../../errors.js'
import { SPLIT_DEFAULTS } from '../../pipeline/defaults.js'
import { type LoadedParts, loadParts } from '../../pipeline/open-data.js'
import { loadTokenCounter } from '../../providers/token-counter.js'
import { TRAIN_DEFAULTS } from '../../train/options.js'
import { count } from '../output/tables.js'

export type DataFiles = { readonly train: string; readonly val?: string; readonly test?: string }

export type ExaminedData = Awaited<ReturnType<typeof examineData>>

/** Fewest labelled queries for a trial. */
const LEAST_QUERIES = 10
/** Labelled queries below which the gate rejects most adapters; see docs/small-data.md. */
const FEW_QUERIES = 100
/** Queries of a test set below which gains of 0.08 are not significant. */
const SMALL_TEST = 50
/** Folds recommended instead of a small test set. */
export const FOLDS = 5
/** Texts above which near-duplicates are left to `inspect`. */
const LOOKED_AT = 20_000
/** Standard deviation of a query's change of nDCG, from 0.2 to 0.35 on the datasets of bench/quality.mjs. */
const USUAL_DEVIATION = 0.3

/** Reads the splits, lists invalid entries, and looks for leaks, duplicates and too little data. */
export async function examineData(files: DataFiles) {
  const settings = { valFraction: 0, testFraction: 0, skipInvalid: true, seed: TRAIN_DEFAULTS.seed }
  const loaded = await loadParts({ ...files, ...settings })
  const { parts, warnings } = loaded
  const labelled = parts.train.queries.size
  if (labelled < LEAST_QUERIES) {
    throw new AdapterTrainError(
      'DATASET_INVALID',
      `${files.train} has ${count(labelled, 'labelled query', 'labelled queries')}; with fewer than ${LEAST_QUERIES} nothing can be learned or measured. ` +
        `Name a larger set, or let questions be written for your documents: adapter-train generate FOLDER --llm openai`,
      { details: { file: files.train, queries: labelled } },
    )
  }
  const testQueries = parts.test?.queries.size ?? Math.max(2, Math.round(labelled * SPLIT_DEFAULTS.testFraction))
  const kFold = labelled <= PSEUDO_QUERIES.mostLabelled && testQueries < SMALL_TEST ? FOLDS : undefined
  const counts: Readonly<Record<string, { queries: number; documents: number }>> = Object.fromEntries(
    Object.entries(parts).flatMap(([name, part]) =>
      part ? [[name, { queries: part.queries.size, documents: part.corpus.size }]] : [],
    ),
  )
  return {
    files,
    loaded,
    labelled,
    counts,
    /** Folds, if a test set would be too small. */
    kFold,
    findings: [...warnings, ...(await findingsIn(loaded))],
    /** Consequences of the amount of data, and what to do. */
    advice: adviceFor(labelled, testQueries, parts.test !== undefined, kFold),
  }
}

/** Half the width of the 95% confidence interval of a mean over n queries. */
export function halfWidth(queries: number, deviation: number = USUAL_DEVIATION): number {
  return (1.96 * deviation) / Math.sqrt(queries)
}

async function findingsIn({ parts }: LoadedParts): Promise<string[]> {
  const { train, validation, test } = parts
  if (train.queries.size + train.corpus.size > LOOKED_AT)
    return [`a large set: adapter-train inspect looks for duplicates and suspicious queries`]
  const { nearDuplicateQueries, nearDuplicateDocuments, suspicious } = inspectDataset(train, await loadTokenCounter())
  const found = (n: number, one: string, many: string, examples: readonly string[]): string[] =>
    n > 0 ? [`${count(n, one, many)}: ${examples.join(', ')}${n > examples.length ? ', …' : ''}`] : []
  const near = (what: string, { count: n, examples }: typeof nearDuplicateQueries): string[] =>
    found(n, `near-duplicate training ${what}`, `near-duplicate training ${what.replace(/y$/, 'ie')}s`, examples)
  const leaks = [validation, test].flatMap(part => {
    const ids = part ? findLeaks(train, part, { ids: false, documents: 'none' }).filter(l => l.match === 'near') : []
    const held = [...new Set(ids.map(leak => leak.heldOut))]
    const what = `of ${part?.name} is a near-duplicate of a training query, which inflates the score of the adapter`
    return found(
      held.length,
      `query ${what}`,
      `queries ${what.replace('is a near-duplicate', 'are near-duplicates')}`,
      held.slice(0, 3),
    )
  })
  return [
    ...leaks,
    ...near('query', nearDuplicateQueries),
    ...near('document', nearDuplicateDocuments),
    ...Object.entries(suspicious).flatMap(([name, { count: n, examples }]) => {
      const what = SUSPICIONS[name as Suspicion]
      return found(n, `suspicious query (${what})`, `suspicious queries (${what})`, examples)
    }),
  ]
}

function adviceFor(labelled: number, testQueries: number, ownTest: boolean, kFold: number | undefined): string[] {
  const advice: string[] = []
  if (labelled < FEW_QUERIES) {
    advice.push(
      `${labelled} labelled queries are few: below about ${FEW_QUERIES} the gate rejects most adapters. More labels help most: from your logs or written by an LLM (adapter-train generate FOLDER --llm openai)`,
    )
  }
  if (labelled <= PSEUDO_QUERIES.mostLabelled)
    advice.push('pseudo-queries from the documents are tried too (pseudo-queries: auto); cross-validation decides')
  const bound = halfWidth(testQueries).toFixed(2)
  const whose = ownTest ? 'the test set has' : 'a held-out test set has'
  const says = `${whose} ${count(testQueries, 'query', 'queries')}: on it, a gain in ${TRAIN_DEFAULTS.metric} below about ${bound} is not significant`
  const instead = `k-fold: ${kFold} measures on all ${labelled} training queries in turn (about ${halfWidth(labelled).toFixed(2)}), and takes ${(kFold ?? 0) + 1} times as long`
  advice.push(kFold === undefined ? says : `${says}; ${instead}`)
  return advice
}
