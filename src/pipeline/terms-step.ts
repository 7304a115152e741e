import { type Adapter, outputDimensions } from '../adapters/adapter.js'
import { linear } from '../adapters/linear.js'
import { type AdapterTerms, createTerms, type TermsFacts } from '../adapters/terms.js'
import { encodeTerms } from '../adapters/terms-file.js'
import { PART_NAMES, type PartName } from '../dataset/split.js'
import type { EmbeddedDataset } from '../embed/embedded-dataset.js'
import { getOrInsert } from '../maps.js'
import { joinRows, type Rows, truncateRows } from '../math/row-source.js'
import { chooseTerms, hasTexts, type TermsChoice, type TermsGain } from '../train/terms/choose-terms.js'
import { buildFeedbackOf, buildWords, corpusOf, type TermDocuments, termDocuments } from '../train/terms/corpus-terms.js'
import type { Search } from '../train/tune/search.js'
import type { TuneResult } from '../train/tune/tune.js'
import { TERM_BYTES, TEXT_TERMS_DEFAULT, type TextTerms } from './defaults.js'
import type { EmbeddedParts } from './embedded-parts.js'
import { adapterTime } from './query-time.js'

/** Options of text terms. */
export interface TermsOptions {
  /** Default `TEXT_TERMS_DEFAULT`. */
  readonly textTerms?: TextTerms
  /** Rows of a table of words. Default: chosen. */
  readonly termRows?: number
  /** Documents that are searched in the end. Default: all of the run. */
  readonly corpus?: TermDocuments
  /** Bytes of the file of feedback at most. Default `TERM_BYTES`. */
  readonly termBytes?: number
}

/** Queries whose cost is measured. */
const TIMED_QUERIES = 200

/** Text terms that were chosen or left out, and what they cost. */
export interface TermsReport {
  readonly source?: TermsFacts['source']
  readonly alpha?: number
  /** Rows of the table, or documents of feedback. */
  readonly rows?: number
  readonly bytes?: number
  /** Per query on this machine, median, on top of the linear map. */
  readonly microseconds?: number
  readonly corpus?: TermsFacts['corpus']
  /** Gain over leaving them out, mean of an out-of-fold split by query and one by document. */
  readonly gain: TermsGain
  /** Whether the linear map is kept beside them, and its gain there. */
  readonly linear: { readonly kept: boolean } & TermsGain
  /** Measured parts with a corpus of their own, whose figures are with a table of that corpus. */
  readonly ownCorpus: readonly PartName[]
  readonly note?: string
}

/** True if text terms are to be tried: they are not off, and the texts are known. */
export function mayHaveTerms({ train }: EmbeddedParts, { textTerms = TEXT_TERMS_DEFAULT }: TermsOptions): boolean {
  return textTerms !== 'off' && hasTexts(train)
}

/** Decides by cross-validation about text terms on top of the chosen candidate. */
export async function decideTerms(
  search: Search,
  found: TuneResult,
  embedded: EmbeddedParts,
  { textTerms = TEXT_TERMS_DEFAULT, termRows, termBytes = TERM_BYTES, corpus }: TermsOptions,
  proven: boolean,
): Promise<{ readonly choice?: TermsChoice; readonly tuned: TuneResult; readonly skipped?: true }> {
  if (textTerms === 'off' || !hasTexts(search.sample)) return { tuned: found }
  const choice = await chooseTerms(search, found, proven, {
    mode: textTerms,
    rows: termRows,
    bytes: termBytes,
    documents: (corpus ?? deployedDocuments(embedded)).ids.length,
  })
  if (!choice) return { tuned: found, skipped: true }
  if (!choice.setting) return { choice, tuned: found }
  return { choice, tuned: { ...found, adapted: choice.scores, others: choice.others } }
}

/** Puts the chosen terms on a linear map: the trained one, or the identity if that is not kept beside them. */
export function addTerms(
  embedded: EmbeddedParts,
  map: Adapter,
  choice: TermsChoice,
  { proven, corpus }: { readonly proven: boolean; readonly corpus?: TermDocuments },
) {
  const { train } = embedded
  const base: Adapter = { ...map, kind: linear.name }
  const deployed = corpus ?? deployedDocuments(embedded)
  const known = new Map<string, AdapterTerms>()
  const termsOf = (documents: TermDocuments): AdapterTerms => {
    const corpus = corpusOf(documents, new Date())
    return getOrInsert(known, corpus.sha256, () => buildTerms(documents, choice, { corpus, proven }))
  }
  const whole = { ...base, terms: termsOf(deployed) }
  const own: PartName[] = []
  return {
    /** With the terms of the deployed corpus. */
    deployed: whole,
    /** With the terms of the corpus that a part is measured on. */
    on(part: PartName): Adapter {
      const data = embedded[part]!
      if (!hasTexts(data)) return whole
      const terms = termsOf(termDocuments(data))
      if (terms === whole.terms) return whole
      if (!own.includes(part)) own.push(part)
      return { ...base, terms }
    },
    report(): TermsReport {
      const { source, alpha, corpus, from } = whole.terms
      const rows = from.name === 'words' ? from.table.keys.length : from.feedback.postings.documents
      const milliseconds = adapterTime(whole, train, TIMED_QUERIES) - adapterTime(base, train, TIMED_QUERIES)
      return {
        source,
        alpha,
        corpus,
        rows,
        bytes: encodeTerms(whole.terms).length,
        microseconds: Math.max(0, Math.round(1e4 * milliseconds) / 10),
        ...reportOf(choice),
        ownCorpus: own,
      }
    },
  }
}

/** Report of terms that were left out. */
export function reportOf({ terms, beside, linear, note }: TermsChoice): TermsReport {
  return { gain: terms, linear: { kept: linear, ...beside }, ownCorpus: [], ...(note !== undefined && { note }) }
}

/** Builds the terms of a corpus. */
export function buildTerms(
  documents: TermDocuments,
  { analysis, setting }: Pick<TermsChoice, 'analysis' | 'setting'>,
  facts: Pick<TermsFacts, 'corpus' | 'proven'>,
): AdapterTerms {
  const { source, alpha, rows } = setting!
  const from = source === 'words' ? buildWords(documents, analysis, [rows!])[0] : buildFeedbackOf(documents, analysis)
  return createTerms({ source, alpha, ...facts }, analysis, from)
}

/** The adapter for the documents it is measured on: with its own terms if of this corpus, else with new ones. */
export function termsForCorpus(adapter: Adapter, data: EmbeddedDataset<Rows>): { adapter: Adapter; note?: string } {
  const { terms } = adapter
  if (!terms) return { adapter }
  if (!data.queryTexts?.some(text => text !== undefined)) {
    return { adapter, note: 'the texts of the queries are not known: text terms are left out, and the linear part is measured' }
  }
  if (!hasTexts(data)) return { adapter }
  const outputs = Math.min(outputDimensions(adapter), data.docs.cols)
  const documents = termDocuments({ ...data, docs: truncateRows(data.docs, outputs) })
  const corpus = corpusOf(documents, new Date())
  if (corpus.sha256 === terms.corpus.sha256) return { adapter }
  const { source, alpha, analysis, from } = terms
  const setting = { source, alpha, ...(from.name === 'words' && { rows: from.table.keys.length }) }
  const made = buildTerms(documents, { analysis, setting }, { corpus, proven: terms.proven })
  const note = `text terms were made anew of the ${corpus.documents} documents measured on; those of the adapter file are of another corpus (${terms.corpus.documents} documents, ${terms.corpus.date.slice(0, 10)})`
  return { adapter: { ...adapter, terms: made }, note }
}

/** All documents of a run, each once: the corpus that is searched in the end, as far as it is known. */
function deployedDocuments(embedded: EmbeddedParts): TermDocuments {
  const parts = PART_NAMES.flatMap(name => embedded[name] ?? [])
  const [first, ...others] = parts.filter((part, i) => parts.findIndex(({ docs }) => docs === part.docs) === i)
  if (others.length === 0) return termDocuments(first)
  const seen = new Set<string>()
  const kept = [first, ...others].map(({ docs, docIds, docTexts }) => {
    const keyOf = (i: number) => JSON.stringify([docTexts?.[i] ?? null, docIds[i]])
    const rows = Uint32Array.from(docIds.keys()).filter(i => !seen.has(keyOf(i)) && seen.add(keyOf(i)))
    return { from: docs, rows, ids: Array.from(rows, i => docIds[i]), texts: Array.from(rows, i => docTexts?.[i]) }
  })
  return { ids: kept.flatMap(({ ids }) => ids), texts: kept.flatMap(({ texts }) => texts), vectors: joinRows(kept) }
}
