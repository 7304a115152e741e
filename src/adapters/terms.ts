import { normalizeInPlace } from '../math/matrix.js'
import { createFeedback, type Feedback } from '../terms/feedback.js'
import { findTerms, sumCentroids, type TermTable } from '../terms/table.js'
import { type Analysis, createTokenizer, type Tokenizer, termsOf } from '../terms/tokens.js'

/** Where the direction of a query's words comes from. */
export type TermsSource =
  | { readonly name: 'words'; readonly table: TermTable }
  | { readonly name: 'feedback'; readonly feedback: Feedback }

export const TERMS_SOURCES = ['words', 'feedback'] as const

/** Corpus that text terms were made from; never its words. */
export interface TermsCorpus {
  readonly documents: number
  /** ISO 8601, UTC. */
  readonly date: string
  /** SHA-256 of ids and texts, hex. */
  readonly sha256: string
}

/** Everything about text terms that stands in the adapter file itself. */
export interface TermsFacts {
  readonly source: TermsSource['name']
  /** Weight of the words beside an adapted query of length 1. */
  readonly alpha: number
  readonly corpus: TermsCorpus
  /** False if no labels have shown that they help. */
  readonly proven: boolean
  /** Metrics of the linear part alone on the set of `training.metrics`: what a user without the text of the query gets. */
  readonly linear?: Readonly<Record<string, number>>
}

/** Text terms of an adapter. */
export interface AdapterTerms extends TermsFacts {
  readonly analysis: Analysis
  readonly from: TermsSource
  /**
   * Mixes the words of a query into the adapted vector, in place: norm(norm(y) + alpha norm(direction)).
   * @param y [dimensions of documents]
   */
  mix(y: Float32Array, text: string): void
}

/** Text terms that are ready to use. */
export function createTerms(facts: TermsFacts, analysis: Analysis, from: TermsSource): AdapterTerms {
  const direction = createDirection(from, createTokenizer(analysis))
  const { source, alpha, corpus, proven, linear } = facts
  return {
    source,
    alpha,
    corpus,
    proven,
    ...(linear && { linear }),
    analysis,
    from,
    mix(y, text) {
      normalizeInPlace(y)
      const words = direction(text)
      for (let j = 0; j < y.length; j++) y[j] += alpha * words[j]
      normalizeInPlace(y)
    },
  }
}

/** A function that gives the direction of a text's words, of length 1 or 0. */
export function createDirection(from: TermsSource, tokenize: Tokenizer): (text: string) => Float32Array {
  if (from.name === 'feedback') {
    const feedback = createFeedback(from.feedback)
    return text => feedback(searchWords(tokenize(text)))
  }
  const { table } = from
  return text => {
    const { words, pairs } = termsOf(tokenize(text))
    return sumCentroids(table, findTerms(table, [...words, ...pairs]))
  }
}

/** Words for a search by words: those of the text, and numbers and identifiers as a whole. */
export const searchWords = ({ words, extras }: ReturnType<Tokenizer>): string[] => [...words, ...extras]
