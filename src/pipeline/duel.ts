import { createHash } from 'node:crypto'
import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import type { PartName } from '../dataset/split.js'
import { foldText } from '../dataset/text.js'
import type { EmbeddedDataset, VectorParts } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { compareRankings, type Difference } from '../evaluate/compare.js'
import { createEvaluator, type Scores } from '../evaluate/evaluator.js'
import { selectQueries } from '../evaluate/seen.js'
import { row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { applyAdapterOn } from '../train/adapt-on.js'
import { pText, signed } from '../words.js'
import { REPLACE_DEFAULT, REPLACE_RULES, type ReplaceRule } from './defaults.js'
import type { ProofOptions, ScoredQueries } from './proof.js'
import { termsForCorpus } from './terms-step.js'

/** Fewest queries on which two adapters are compared. */
export const DUEL_QUERIES = 20

/** The new adapter against the one in use. */
export interface Duel {
  readonly rule: ReplaceRule
  /** True if the new one takes the place of the one in use. */
  readonly replaces: boolean
  /** One sentence: which rule decided, by which figures. */
  readonly reason: string
  /** Held-out queries that neither was trained on; 0 if the two were not compared. */
  readonly queries: number
  readonly metric: string
  readonly metrics?: { readonly incumbent: Scores; readonly adapted: Scores }
  /** New minus in use. */
  readonly difference?: Difference
}

/** Hashes of an adapter's training queries, in its file. */
export type TrainedQueries = ReturnType<typeof trainedQueries>

interface Contest {
  readonly incumbent: Adapter
  readonly candidate: Adapter
  /** Absent without held-out queries. */
  readonly scored?: ScoredQueries
  readonly rule?: ReplaceRule
}

/** Of 8 bytes. */
const HEX_DIGITS = 16

/**
 * Hashes the queries of a dataset, for the file of an adapter that is trained on them.
 * @returns what is hashed (the folded text, or the vector if texts are not known), and the first 8 bytes of the SHA-256 of each,
 * sorted, base64
 */
export function trainedQueries(data: EmbeddedDataset<Rows>) {
  const of = hashedBy(data)
  const hashes = [...new Set(queryHashes(data, of))].sort()
  return { of, count: hashes.length, hashes: Buffer.from(hashes.join(''), 'hex').toString('base64') }
}

function hashedBy({ queryTexts }: EmbeddedDataset<Rows>): 'text' | 'vector' {
  return queryTexts?.every(text => text !== undefined) ? 'text' : 'vector'
}

function queryHashes(data: EmbeddedDataset<Rows>, of: 'text' | 'vector'): string[] {
  const hash = (value: string | Float32Array) => createHash('sha256').update(value).digest('hex').slice(0, HEX_DIGITS)
  if (of === 'text') return data.queryTexts!.map(text => hash(foldText(text!)))
  const hashes: string[] = []
  for (const { block } of blocksOf(data.queries)) {
    for (let i = 0; i < block.rows; i++) hashes.push(hash(row(block, i)))
  }
  return hashes
}

/**
 * Compares a new adapter with the one in use, on the held-out queries that neither was trained on, and applies the rule. A pair
 * that cannot be compared is decided by the gate alone: the new adapter then replaces the other, and the reason says why.
 * @param embedded the queries of the training set, if the new adapter has one, are not compared
 */
export async function duel(
  engine: Engine,
  embedded: Partial<VectorParts<Rows>>,
  part: PartName,
  { incumbent, candidate, scored, rule = REPLACE_DEFAULT }: Contest,
  { metric, seed, signal }: ProofOptions,
): Promise<Duel> {
  const uncompared = (why: string): Duel => ({
    rule,
    replaces: true,
    queries: 0,
    metric,
    reason: `not compared with the adapter in use: ${why}`,
  })
  const { base } = incumbent
  if (base.id !== candidate.base.id) return uncompared(`its base is ${base.id}`)
  if (base.dimensions !== candidate.base.dimensions || outputDimensions(incumbent) !== outputDimensions(candidate))
    return uncompared(`it has other dimensions (${base.dimensions} to ${outputDimensions(incumbent)})`)
  const data = embedded[part]
  if (!scored || !data) return uncompared('there are no held-out queries')
  const trained = incumbent.training.queries as TrainedQueries | undefined
  const of = hashedBy(data)
  if (trained?.of !== of) return uncompared(`its file does not say which query ${of}s it was trained on`)
  const hex = Buffer.from(trained.hashes, 'base64').toString('hex')
  const known = new Set<string>(hex.match(new RegExp(`.{${HEX_DIGITS}}`, 'g')) ?? [])
  for (const hash of embedded.train ? queryHashes(embedded.train, of) : []) known.add(hash)
  const hashes = queryHashes(data, of)
  const fresh = Array.from(scored.rows).flatMap((query, i) => (known.has(hashes[query]) ? [] : [i]))
  if (fresh.length < DUEL_QUERIES)
    return uncompared(`${fresh.length} held-out queries are new to both, expected at least ${DUEL_QUERIES}`)
  const evaluator = createEvaluator(data, Object.keys(scored.adapted.perQuery))
  const queries = await applyAdapterOn(engine, termsForCorpus(incumbent, data).adapter, data.queries, data.queryTexts)
  const old = selectQueries(await evaluator.evaluateOn(engine, queries, { signal }), fresh)
  const adapted = selectQueries(scored.adapted, fresh)
  const difference = compareRankings(old, adapted, { seed, metric }).difference[metric]
  const replaces = REPLACE_RULES[rule].replaces(difference)
  const { mean, low, high, p } = difference
  const change = `${metric} ${signed(mean)} (95% CI ${signed(low)} to ${signed(high)}, ${pText(p)})`
  return {
    rule,
    replaces,
    queries: fresh.length,
    metric,
    difference,
    metrics: { incumbent: old.mean, adapted: adapted.mean },
    reason: `against the adapter in use, on ${fresh.length} queries neither was trained on: ${change}; --replace ${rule}: ${replaces ? 'replaced' : 'not replaced'}`,
  }
}
