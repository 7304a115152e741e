import type { TermsSource } from '../../adapters/terms.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { bootstrapP, realityCheck } from '../../math/statistics/bootstrap.js'
import { mean, populationStandardDeviation } from '../../math/statistics/moments.js'
import { feedbackBytes } from '../../terms/feedback.js'
import { type Analysis, analyze } from '../../terms/tokens.js'
import { RECIPE } from '../recipe.js'
import { documentGroups, groupFolds } from '../tune/folds.js'
import type { Search } from '../tune/search.js'
import type { TuneResult } from '../tune/tune.js'
import { buildFeedbackOf, buildWords, directionsOf, TERM_ROWS } from './corpus-terms.js'
import { type Mix, type MixedFit, scoreMixes } from './score-terms.js'

/** Weights that cross-validation chooses from, besides none. */
export const TERM_ALPHAS: readonly number[] = [0.1, 0.2, 0.35, 0.5, 0.75, 1]
/** A smaller weight is taken if it is behind the best one by no more than so many standard errors; of feedback more, which looks better out of fold than on a test set. */
const LEAST_ALPHA_ERRORS = { words: 0.5, feedback: 1 } as const

export interface ChooseTermsOptions {
  readonly mode: 'auto' | TermsSource['name']
  readonly rows?: number
  readonly bytes: number
  readonly documents: number
}

/** Text terms that cross-validation has chosen. */
export interface TermsSetting {
  readonly source: TermsSource['name']
  readonly alpha: number
  /** Rows of the table at most; of words alone. */
  readonly rows?: number
}

/** A gain out of fold, and how sure it is. */
export interface TermsGain {
  readonly gain: number
  readonly standardError: number
  /** Bootstrap p. */
  readonly p: number
}

/** What cross-validation says of text terms. */
export interface TermsChoice {
  readonly analysis: Analysis
  /** Absent if leaving them out is as good, or if their gain is not significant. */
  readonly setting?: TermsSetting
  /** Whether the linear map is kept beside them; if not, they are put on the unadapted query. */
  readonly linear: boolean
  /** Gain of the terms over leaving them out, mean of a split by query and one by document; and of the linear map beside them, by query. */
  readonly terms: TermsGain
  readonly beside: TermsGain
  /** Out-of-fold metric of every query of the search's sample with the choice, split by query, and with all others that it competes with. */
  readonly scores: Float64Array
  readonly others: readonly Float64Array[]
  /** Why feedback was not tried. */
  readonly note?: string
}

/**
 * Chooses whether the words of a query are mixed into its adapted vector, from which source and how much.
 *
 * Each mix is scored twice for every query of the search's sample, by a map trained without it: split by query, and split so that
 * the map knows none of its documents. The best mean of both has to beat no terms by one paired standard error; feedback has to
 * beat words by one, a larger table a smaller one, and a linear map that would not be kept alone has to beat the identity. Where few
 * labels cannot prove the gain of that mix, another one may be surer; terms without the linear map do not pay for the search of one.
 * @param alone whether the linear map would be kept without terms
 * @returns undefined if the search's budget has no room for it
 */
export async function chooseTerms(
  search: Search,
  tuned: TuneResult,
  alone: boolean,
  options: ChooseTermsOptions,
): Promise<TermsChoice | undefined> {
  const { engine, sample, metric, seed } = search
  const { docTexts: texts = [], queryTexts = [] } = sample
  const known = (list: typeof texts) => list.filter(text => text !== undefined)
  const analysis = analyze(known(texts), known(queryTexts), process.versions.icu)
  const documents = { ids: sample.docIds, texts, vectors: sample.docs }
  const { sources, note } = sourcesOf(documents, analysis, options)
  const directions = sources.map(({ from }) => directionsOf(from, analysis, queryTexts))
  const mixes: Mix[] = [{ direction: 0, alpha: 0 }]
  for (let direction = 0; direction < sources.length; direction++) {
    for (const alpha of TERM_ALPHAS) mixes.push({ direction, alpha })
  }

  const folds = groupFolds(documentGroups(sample), new Set(search.folds).size, seed)
  const score = (fits: readonly MixedFit[]) => scoreMixes(engine, sample, fits, directions, mixes, metric)
  const everyone = [{ inside: Uint32Array.from(sample.queries.rows > 0 ? sample.queryIds.keys() : []) }]
  const started = performance.now()
  const unadapted = await score(everyone)
  // Both splits take as long again, and one of them trains its maps.
  if (!search.hasTime(1, (2 * (performance.now() - started)) / 1000)) return undefined
  const byQuery = await search.fits(tuned.chosen)
  const byDocument = new Set(folds).size > 1 ? (await search.crossValidate(tuned.chosen, folds)).fits : byQuery
  const adapted = { byQuery: await score(byQuery), byDocument: await score(byDocument) }
  const onLinear = best(mixes, sources, [adapted.byQuery, adapted.byDocument])
  const onIdentity = best(mixes, sources, [unadapted])

  // By query alone, as the gate judges a linear map.
  const beside = gainOf(adapted.byQuery[onLinear.mix], unadapted[onIdentity.mix], seed)
  const linear = (alone && beside.gain >= -beside.standardError) || beside.gain > RECIPE.standardErrors * beside.standardError
  const searched = [...tuned.others, tuned.adapted]
  const onMap = { best: onLinear, all: adapted.byQuery, besides: [...searched, ...unadapted] }
  // Terms on the identity have no weights that labels fit: only beside a proven map do they compete with the search of one.
  const onNone = { best: onIdentity, all: unadapted, besides: alone ? [...searched, ...adapted.byQuery] : [] }
  const attempts = [...(linear ? [onMap] : []), ...(linear && alone ? [] : [onNone])]
  const tried = attempts.map(attempt => ({ ...attempt, proven: provenMix(attempt, tuned.base, seed) }))
  const taken = tried.find(({ proven }) => proven !== undefined) ?? tried[0]
  const { best: from, all, besides, proven } = taken
  const shown = proven ?? from.mix
  const { direction, alpha } = mixes[shown]
  const { source, rows } = sources[direction]
  return {
    analysis,
    ...(proven !== undefined && { setting: { source, alpha, ...(rows !== undefined && { rows }) } }),
    linear: all === adapted.byQuery,
    terms: gainOf(from.both[shown], from.both[0], seed),
    beside,
    scores: all[shown],
    others: [...all.filter((_, i) => i !== shown), ...besides],
    ...(note !== undefined && { note }),
  }
}

/** Mixes on one map (metric of every query per mix, split by query), and what else was tried on the way to them. */
type Attempt = { readonly best: Best; readonly all: readonly Float64Array[]; readonly besides: readonly Float64Array[] }

/** The best mix if its gain is significant among all that were tried; else the best of those that may be taken and are surer. */
function provenMix({ best, all, besides }: Attempt, base: Float64Array, seed: number): number | undefined {
  const { mix, eligible, both } = best
  if (mix === 0) return undefined
  const deltas = [...all, ...besides].map(scores => scores.map((value, i) => value - base[i]))
  const check = (of: number) =>
    realityCheck([deltas[of], ...deltas.filter((_, i) => i !== of)], RECIPE.gateP, { samples: RECIPE.gateSamples, seed })
  const { p, provable } = check(mix)
  if (p < RECIPE.gateP) return mix
  if (provable === undefined) return undefined
  // What is provable is in standard deviations the same for all of them.
  const spread = deltas.map(populationStandardDeviation)
  const surer = eligible.filter(i => mean(deltas[i]) / spread[i] > provable / spread[mix])
  const [other] = surer.sort((a, b) => mean(both[b]) - mean(both[a]))
  return other !== undefined && check(other).p < RECIPE.gateP ? other : undefined
}

type Source = { readonly source: TermsSource['name']; readonly rows?: number; readonly from: TermsSource }

/** Words first, the smaller table before the larger one. */
function sourcesOf(
  documents: Parameters<typeof buildWords>[0],
  analysis: Analysis,
  { mode, rows, bytes, documents: deployed }: ChooseTermsOptions,
): { readonly sources: readonly Source[]; readonly note?: string } {
  const sources: Source[] = []
  if (mode !== 'feedback') {
    const sizes = rows === undefined ? TERM_ROWS : [rows]
    for (const [i, from] of buildWords(documents, analysis, sizes).entries())
      sources.push({ source: 'words', rows: sizes[i], from })
  }
  if (mode === 'words') return { sources }
  const feedback = buildFeedbackOf(documents, analysis)
  const size = from(feedback) * (deployed / documents.ids.length)
  if (size <= bytes || mode === 'feedback') return { sources: [...sources, { source: 'feedback', from: feedback }] }
  return { sources, note: `feedback was not tried: it would take about ${Math.ceil(size / 1e6)} MB` }

  function from(source: TermsSource): number {
    return source.name === 'feedback' ? feedbackBytes(source.feedback) : 0
  }
}

interface Best {
  /** Index among the mixes; 0 for none. */
  readonly mix: number
  /** Mixes that beat none by a standard error and lose in no split. */
  readonly eligible: readonly number[]
  /** Mean of the splits, of every query per mix. */
  readonly both: readonly Float64Array[]
}

/**
 * The best mix of each source; a later source takes its place if it is better by one standard error. A mix that loses in one of the
 * splits is none: with thousands of labels the final map knows more documents than that of a fold, and terms would cost more there.
 * @param splits the metric of every query per mix, in each split
 */
function best(mixes: readonly Mix[], sources: readonly Source[], splits: readonly (readonly Float64Array[])[]): Best {
  const both = splits.length === 1 ? splits[0] : average(splits[0], splits[1])
  const loses = (mix: number): boolean => splits.some(scores => mean(scores[mix]) < mean(scores[0]))
  let chosen = 0
  sources.forEach(({ source }, direction) => {
    const own = mixes.flatMap((mix, i) => (i > 0 && mix.direction === direction && !loses(i) ? [i] : []))
    if (own.length === 0) return
    const top = own.reduce((a, b) => (mean(both[b]) > mean(both[a]) ? b : a))
    // Weights ascend: of those as good as the best, the least.
    const least = own.find(i => !beats(both[top], both[i], LEAST_ALPHA_ERRORS[source]))!
    if (beats(both[least], both[chosen])) chosen = least
  })
  const eligible = mixes.flatMap((_, i) => (i > 0 && !loses(i) && beats(both[i], both[0]) ? [i] : []))
  return { mix: chosen, eligible, both }
}

/** True if the mean of `a` is above that of `b` by more than so many standard errors of the paired difference. */
function beats(a: Float64Array, b: Float64Array, errors: number = RECIPE.standardErrors): boolean {
  const delta = a.map((value, i) => value - b[i])
  return mean(delta) > (errors * populationStandardDeviation(delta)) / Math.sqrt(delta.length)
}

function average(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] {
  return a.map((scores, s) => scores.map((value, i) => (value + b[s][i]) / 2))
}

function gainOf(a: Float64Array, b: Float64Array, seed: number): TermsGain {
  const delta = a.map((value, i) => value - b[i])
  const standardError = populationStandardDeviation(delta) / Math.sqrt(delta.length)
  return { gain: mean(delta), standardError, p: bootstrapP(delta, { samples: RECIPE.gateSamples, seed }) }
}

/** True if the texts of queries and documents are known, so that terms can be tried. */
export function hasTexts({ queryTexts, docTexts }: Pick<EmbeddedDataset, 'queryTexts' | 'docTexts'>): boolean {
  return [queryTexts, docTexts].every(texts => texts?.some(text => text !== undefined))
}
