import { createHash } from 'node:crypto'
import { createDirection, searchWords, type TermsCorpus, type TermsSource } from '../../adapters/terms.js'
import { byCodeUnit } from '../../dataset/text.js'
import type { EmbeddedDataset } from '../../embed/embedded-dataset.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import type { Rows } from '../../math/row-source.js'
import { collectPostings, type Postings } from '../../terms/bm25.js'
import { buildTable, firstRows } from '../../terms/build-table.js'
import { buildFeedback } from '../../terms/feedback.js'
import { type Analysis, createTokenizer, termsOf } from '../../terms/tokens.js'

/** Documents whose words text terms are made of. */
export interface TermDocuments {
  readonly ids: readonly string[]
  /** A text per document; one that is not known has no words. */
  readonly texts: readonly (string | undefined)[]
  readonly vectors: Rows
}

/** Documents of a part, with their texts. */
export function termDocuments({ docIds: ids, docTexts: texts = [], docs: vectors }: EmbeddedDataset<Rows>): TermDocuments {
  return { ids, texts, vectors }
}

/** Sizes of a table that the data choose from. */
export const TERM_ROWS: readonly number[] = [40_000, 300_000]

/** Builds tables of the given sizes; a size that the corpus does not fill is left out, except the smallest. `sizes`: ascending. */
export function buildWords({ texts, vectors }: TermDocuments, analysis: Analysis, sizes: readonly number[]): TermsSource[] {
  const tokenize = createTokenizer(analysis)
  const terms = {
    *[Symbol.iterator]() {
      for (const text of texts) yield termsOf(tokenize(text ?? ''))
    },
  }
  const built = buildTable({ terms, vectors }, { rows: sizes[sizes.length - 1] })
  return sizes
    .filter((_, i) => i === 0 || built.rank.length > sizes[i - 1])
    .map(rows => ({ name: 'words', table: firstRows(built, rows) }))
}

/** Builds what feedback needs. */
export function buildFeedbackOf(documents: TermDocuments, analysis: Analysis): TermsSource {
  return { name: 'feedback', feedback: buildFeedback(postingsOf(documents.texts, analysis), documents.vectors) }
}

/** Postings of texts, for a search by words. */
export function postingsOf(texts: TermDocuments['texts'], analysis: Analysis): Postings {
  const tokenize = createTokenizer(analysis)
  const collected = collectPostings()
  for (const text of texts) collected.add(searchWords(tokenize(text ?? '')))
  return collected.finish()
}

/** Directions of queries, row by row; zero without a text. */
export function directionsOf(from: TermsSource, analysis: Analysis, texts: readonly (string | undefined)[]): Matrix {
  const direction = createDirection(from, createTokenizer(analysis))
  const d = from.name === 'words' ? from.table.dimensions : from.feedback.dimensions
  const out = matrix(texts.length, d)
  for (const [i, text] of texts.entries()) if (text !== undefined) out.data.set(direction(text), i * d)
  return out
}

/** Names a corpus: its size, and a hash of ids and texts in the order of the ids. */
export function corpusOf({ ids, texts }: Omit<TermDocuments, 'vectors'>, date: Date): TermsCorpus {
  const hash = createHash('sha256')
  const order = Array.from(ids.keys()).sort((a, b) => byCodeUnit(ids[a], ids[b]))
  for (const i of order) hash.update(`${JSON.stringify(['document', ids[i], texts[i] ?? null])}\n`)
  return { documents: ids.length, date: date.toISOString(), sha256: hash.digest('hex') }
}
