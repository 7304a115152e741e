import type { Adapter } from '../adapters/adapter.js'
import { linear } from '../adapters/linear.js'
import { embedDataset } from '../embed/embed-dataset.js'
import { AdapterTrainError } from '../errors.js'
import { isNormalized } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { analyze } from '../terms/tokens.js'
import { identityWeights } from '../train/parameters.js'
import { corpusOf, type TermDocuments, termDocuments } from '../train/terms/corpus-terms.js'
import { VERSION } from '../version.js'
import { corpusSet, type EmbedSession, embedOptions } from './embedded-parts.js'
import { buildTerms } from './terms-step.js'

/** Weight and rows of text terms without labels to choose them. */
export const UNPROVEN_TERMS = { alpha: 0.2, rows: 40_000 } as const
/** Fewest rows of a table without labels: on corpora of two words a document, such terms lost. */
const LEAST_ROWS = 1000

export interface EmbeddedCorpus extends TermDocuments {
  /** Frees the disk space of vectors that exceed the memory limit. */
  close?(): void
}

/** Embeds the documents of a corpus. `corpus`: id -> text. */
export async function embedCorpus(
  provider: EmbeddingProvider,
  corpus: ReadonlyMap<string, string>,
  session: EmbedSession,
): Promise<EmbeddedCorpus> {
  const { datasets, close } = await embedDataset(provider, [corpusSet(corpus)], embedOptions(session))
  return { ...termDocuments(datasets[0]), close }
}

/** Makes the text terms of an adapter anew from the documents of today; W, b and the weight of the terms stay. */
export function refreshTerms(adapter: Adapter, documents: TermDocuments): Adapter {
  const { terms } = adapter
  if (!terms) throw new AdapterTrainError('ADAPTER_FORMAT', 'the adapter has no text terms to refresh')
  const { source, alpha, proven, from, analysis: before } = terms
  // Whether texts are English was found with the queries of training, which are not at hand.
  const { icu, common } = analyze(documents.texts, [], process.versions.icu)
  const analysis = { english: before.english, common: before.english ? [] : common, ...(icu !== undefined && { icu }) }
  const rows = from.name === 'words' ? rowsFor(from.table.keys.length) : undefined
  const setting = { source, alpha, ...(rows !== undefined && { rows }) }
  const corpus = corpusOf(documents, new Date())
  return { ...adapter, terms: buildTerms(documents, { analysis, setting }, { corpus, proven }) }
}

/** Room for a corpus that has grown: the size that was chosen, where the corpus did not fill it. */
const rowsFor = (rows: number): number => [40_000, 300_000].find(size => rows <= size) ?? rows

/** Makes an adapter of a corpus alone: W = I with words, marked as unproven. `rows`: of the table at most. */
export function adapterWithoutLabels(
  { id, facts: provider = { name: 'custom' } }: Pick<EmbeddingProvider, 'id' | 'facts'>,
  documents: TermDocuments,
  rows: number = UNPROVEN_TERMS.rows,
): Adapter {
  const { cols } = documents.vectors
  const analysis = analyze(documents.texts, [], process.versions.icu)
  const corpus = corpusOf(documents, new Date())
  const setting = { source: 'words', alpha: UNPROVEN_TERMS.alpha, rows } as const
  const terms = buildTerms(documents, { analysis, setting }, { corpus, proven: false })
  const found = terms.from.name === 'words' ? terms.from.table.keys.length : 0
  if (found < LEAST_ROWS) {
    throw new AdapterTrainError(
      'TRAIN_DATA',
      `text terms without labels: expected a corpus with at least ${LEAST_ROWS} different words and pairs, found ${found}. On such small corpora they lost in experiments; give labels, which tell whether they help`,
    )
  }
  const gate = { kept: true, passed: false, reason: 'without labels nothing is proven' }
  return {
    kind: linear.name,
    base: { id, dimensions: cols, normalized: isNormalized(documents.vectors), provider },
    params: identityWeights(linear, cols, undefined, cols),
    training: {
      tool: `adapter-train ${VERSION}`,
      date: corpus.date,
      data: { corpus: { documents: corpus.documents, sha256: corpus.sha256 } },
      options: { labels: 'none', textTerms: 'words', alpha: UNPROVEN_TERMS.alpha, termRows: rows },
      metrics: {},
      queries: { of: 'text', count: 0, hashes: '' },
      gate,
    },
    terms,
  }
}
