import { parseEffort } from '../../indexes/vector-index.js'
import { inGroup, text, url } from './rows.js'

export const indexOptions = inGroup('Index', {
  index: url('vector index that has the documents, read in place: pgvector, pglite, lancedb, qdrant+http, chroma+http'),
  'index-filter': text('rows of the index to use: a condition in SQL, or a JSON filter for Qdrant and Chroma'),
})

/** The same, of the command that judges the index's own search. */
export const searchedIndexOptions = {
  ...indexOptions,
  ...inGroup('Index', {
    'index-effort': text("effort of the index's own search, such as ef_search=100 (default: the index's)", {
      coerce: parseEffort,
    }),
  }),
}
