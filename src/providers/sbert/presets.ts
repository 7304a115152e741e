import type { PoolingMode } from './pooling.js'

/** What a family of models expects where the model's own files do not say. */
export interface Preset {
  /** Tested against the lower-case last part of the model's name. */
  readonly match: RegExp
  readonly pooling: PoolingMode
  readonly normalize?: boolean
  readonly queryPrefix?: string
  readonly documentPrefix?: string
  /** Tokens at which the original model cuts a text, where its ONNX conversions lost that. */
  readonly maxTokens?: number
  /** The page that says so. */
  readonly source: string
}

const SEARCH_PASSAGES = 'Represent this sentence for searching relevant passages: '

/** The first match counts. ONNX conversions (Xenova, onnx-community) keep the names of the models they come from. */
const PRESETS: readonly Preset[] = [
  {
    match: /^all-minilm-l6-v2/,
    pooling: 'mean',
    maxTokens: 256,
    source: 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2',
  },
  {
    match: /^all-minilm-l12-v2/,
    pooling: 'mean',
    maxTokens: 128,
    source: 'https://huggingface.co/sentence-transformers/all-MiniLM-L12-v2',
  },
  {
    match: /^all-mpnet-base-v2/,
    pooling: 'mean',
    maxTokens: 384,
    source: 'https://huggingface.co/sentence-transformers/all-mpnet-base-v2',
  },
  {
    match: /^multi-qa-.+-dot-v1/,
    pooling: 'cls',
    normalize: false,
    source: 'https://huggingface.co/sentence-transformers/multi-qa-mpnet-base-dot-v1',
  },
  {
    match: /^multi-qa-.+-cos-v1/,
    pooling: 'mean',
    source: 'https://huggingface.co/sentence-transformers/multi-qa-MiniLM-L6-cos-v1',
  },
  { match: /^bge-m3/, pooling: 'cls', source: 'https://huggingface.co/BAAI/bge-m3' },
  {
    match: /^bge-(small|base|large)-zh/,
    pooling: 'cls',
    queryPrefix: '为这个句子生成表示以用于检索相关文章：',
    source: 'https://huggingface.co/BAAI/bge-large-zh-v1.5',
  },
  {
    match: /^bge-(small|base|large)-en/,
    pooling: 'cls',
    queryPrefix: SEARCH_PASSAGES,
    source: 'https://huggingface.co/BAAI/bge-small-en-v1.5',
  },
  {
    match: /^multilingual-e5-.+-instruct/,
    pooling: 'mean',
    queryPrefix: 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ',
    source: 'https://huggingface.co/intfloat/multilingual-e5-large-instruct',
  },
  {
    match: /^(multilingual-)?e5-(small|base|large)/,
    pooling: 'mean',
    queryPrefix: 'query: ',
    documentPrefix: 'passage: ',
    source: 'https://huggingface.co/intfloat/e5-base-v2',
  },
  {
    match: /^gte-((base|large)-en-v1\.5|multilingual|modernbert)/,
    pooling: 'cls',
    source: 'https://huggingface.co/Alibaba-NLP/gte-base-en-v1.5',
  },
  { match: /^gte-(tiny|small|base|large)/, pooling: 'mean', source: 'https://huggingface.co/thenlper/gte-base' },
  {
    match: /^nomic-embed-text/,
    pooling: 'mean',
    queryPrefix: 'search_query: ',
    documentPrefix: 'search_document: ',
    source: 'https://huggingface.co/nomic-ai/nomic-embed-text-v1.5',
  },
  {
    match: /^snowflake-arctic-embed-.+-v2/,
    pooling: 'cls',
    queryPrefix: 'query: ',
    source: 'https://huggingface.co/Snowflake/snowflake-arctic-embed-m-v2.0',
  },
  {
    match: /^snowflake-arctic-embed/,
    pooling: 'cls',
    queryPrefix: SEARCH_PASSAGES,
    source: 'https://huggingface.co/Snowflake/snowflake-arctic-embed-m',
  },
  {
    match: /^mxbai-embed-(2d-)?large/,
    pooling: 'cls',
    queryPrefix: SEARCH_PASSAGES,
    source: 'https://huggingface.co/mixedbread-ai/mxbai-embed-large-v1',
  },
]

/**
 * The preset of a model, by its name.
 *
 * @param name hub id or folder name, such as `Xenova/bge-small-en-v1.5`
 */
export function presetOf(name: string): Preset | undefined {
  const last = name.toLowerCase().split('/').at(-1) ?? ''
  return PRESETS.find(preset => preset.match.test(last))
}
