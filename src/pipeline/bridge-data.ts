import { basename, dirname, resolve } from 'node:path'
import type { AdapterIndex } from '../adapters/adapter.js'
import type { QADataset } from '../dataset/dataset.js'
import { PART_NAMES } from '../dataset/split.js'
import { embedTexts } from '../embed/embed-texts.js'
import type { EmbeddedDataset, VectorParts } from '../embed/embedded-dataset.js'
import { costOfTexts, estimateDatasets } from '../embed/estimate.js'
import { lookUp } from '../embed/look-up.js'
import { AdapterTrainError, usageError } from '../errors.js'
import { fromRows, type Matrix } from '../math/matrix.js'
import { createRandom, permutation } from '../math/random.js'
import { gatherRows, isNormalized, joinRows, type Rows, toMatrix } from '../math/row-source.js'
import type { EmbeddingProvider } from '../providers/provider.js'
import { LEAST_TEXTS } from '../train/bridge/fit-bridge.js'
import { selectPairs } from '../train/bridge/linear-fits.js'
import { TRAIN_DEFAULTS } from '../train/options.js'
import { readPairs } from '../vectors/pairs.js'
import { readVectors } from '../vectors/read-vectors.js'
import { groupRows } from '../vectors/row-groups.js'
import { BRIDGE_SAMPLE } from './defaults.js'
import { type EmbedSession, embedOptions } from './embedded-parts.js'
import { type IndexSource, usingIndex } from './index-data.js'
import { type BridgeCost, type BridgeData, type BridgeResult, type RunBridgeOptions, runBridge } from './run-bridge.js'

interface SampleOptions {
  /** Documents with both vectors that the map is fitted to, at most. Default 5000. */
  readonly sample?: number
  readonly seed?: number
}

/** Two folders of vectors, or parts in memory, with the same rows. */
export interface BridgeFolders extends SampleOptions {
  /** Of the model of the queries. */
  readonly from: string | VectorParts<Rows>
  /** Of the model of the index. */
  readonly to: string | VectorParts<Rows>
  /** File of pairs of the training queries with documents, to train on with labels. */
  readonly train?: string
  /** Names of the two spaces. Default: those of the folders. */
  readonly fromId?: string
  readonly toId?: string
}

/**
 * Opens two embeddings of the same queries and documents. The map is fitted to documents of all parts, which the index holds; the
 * test part's queries judge it.
 */
export async function openBridgeFolders(given: BridgeFolders): Promise<BridgeData> {
  const { sample = BRIDGE_SAMPLE, seed = TRAIN_DEFAULTS.seed } = given
  const [a, b] = await Promise.all(
    [given.from, given.to].map(async one => (typeof one === 'string' ? readVectors(one, { lazy: true }) : one)),
  )
  for (const part of PART_NAMES) {
    for (const side of ['queries', 'docs'] as const) {
      const [from, to] = [a[part]?.[side].rows, b[part]?.[side].rows]
      if (from !== to)
        throw new AdapterTrainError(
          'DATASET_INVALID',
          `bridge: expected the same rows in both, found ${from ?? 'no'} and ${to ?? 'no'} ${part} ${side}. Embed the same texts in the same order`,
        )
    }
  }
  const [fromId, toId] = idsOf(given, a.train.baseId, b.train.baseId)
  const corpora = PART_NAMES.flatMap(part => (a[part] && b[part] ? [{ from: a[part].docs, to: b[part].docs }] : []))
  const distinct = corpora.filter(({ from, to }, i) => corpora.findIndex(one => one.from === from && one.to === to) === i)
  const pairs = samplePairs(distinct, sample, seed)
  const documents = distinct.reduce((sum, { from }) => sum + from.rows, 0)
  const judged =
    given.train === undefined
      ? undefined
      : await readPairs(given.train, { file: 'queries', matrix: b.train.queries }, { file: 'docs', matrix: b.train.docs })
  const { judgedNegatives: _, ...docsOf } = b.train
  return {
    base: { id: fromId, dimensions: pairs.from.cols, normalized: isNormalized(pairs.from) },
    index: { id: toId, dimensions: pairs.to.cols, metric: 'cosine' },
    pairs,
    documents,
    ...(judged && { train: { ...docsOf, queries: a.train.queries, ...judged } }),
    ...(a.test &&
      b.test && { test: { ...b.test, queries: a.test.queries }, nativeQueries: b.test.queries, ownDocuments: a.test.docs }),
    cost: { bridge: costOf(pairs.from.rows), reembed: costOf(documents) },
  }
}

function idsOf({ from, to, fromId, toId }: BridgeFolders, a: string, b: string): [string, string] {
  const longer = (folder: BridgeFolders['from'], id: string) =>
    typeof folder === 'string' ? `vectors/${basename(dirname(resolve(folder)))}/${basename(resolve(folder))}` : id
  const ids: [string, string] = [fromId ?? (a === b ? longer(from, a) : a), toId ?? (a === b ? longer(to, b) : b)]
  if (ids[0] !== ids[1]) return ids
  throw usageError(`bridge: expected names of two spaces, found "${ids[0]}" for both. Give --base-id and --to-id`)
}

function costOf(texts: number, tokens: number | null = null, dollars: number | null = null): BridgeCost {
  return { texts, tokens, dollars }
}

/** Draws rows from matrices that lie side by side; equal pairs count once. */
function samplePairs(corpora: readonly { readonly from: Rows; readonly to: Rows }[], count: number, seed: number) {
  const total = corpora.reduce((sum, { from }) => sum + from.rows, 0)
  const drawn = permutation(total, createRandom(seed)).slice(0, count).sort()
  const side = (name: 'from' | 'to'): Matrix => {
    let start = 0
    const parts = corpora.map(({ [name]: from }) => {
      const rows = drawn.filter(at => at >= start && at < start + from.rows).map(at => at - start)
      start += from.rows
      return { from, rows }
    })
    return toMatrix(joinRows(parts))
  }
  const pairs = { from: side('from'), to: side('to') }
  const groups = [groupRows(pairs.from), groupRows(pairs.to)]
  const seen = new Set<string>()
  const rows = Array.from(drawn.keys()).filter(i => {
    const key = `${groups[0][i]} ${groups[1][i]}`
    return !seen.has(key) && seen.add(key)
  })
  return rows.length === drawn.length ? pairs : selectPairs(pairs, rows)
}

/** Documents of an index whose vectors are known, and how many there are in all. */
export interface BridgeTarget {
  readonly index: AdapterIndex
  readonly documents: number
  readonly texts: readonly string[]
  /** [texts, dimensions] */
  readonly vectors: Rows
  /** Returns vectors of queries in the space of the index; undefined if one is not known. */
  queries?(texts: readonly string[]): Promise<Matrix | undefined>
}

/** A model whose queries are to search an index of another one. */
export interface BridgeTexts extends SampleOptions, EmbedSession {
  readonly provider: EmbeddingProvider
  readonly target: BridgeTarget
  /** Labelled queries to train on; documents are found in the index by their text. */
  readonly train?: QADataset
  /** Labelled queries that judge the map. */
  readonly test?: QADataset
}

/** Embeds a sample of an index's texts, and labelled queries, with the model of the queries. */
export async function openBridgeTexts(given: BridgeTexts): Promise<BridgeData> {
  const { provider, target, sample = BRIDGE_SAMPLE, seed = TRAIN_DEFAULTS.seed } = given
  const { index, texts, vectors, documents } = target
  if (texts.length < LEAST_TEXTS) {
    throw new AdapterTrainError(
      'DATASET_INVALID',
      `bridge: expected at least ${LEAST_TEXTS} texts with vectors of "${index.id}", found ${texts.length}. Name the texts of the index`,
    )
  }
  const { spillFolder: _, ...session } = given
  const embed = async (list: readonly string[], role: 'query' | 'document') =>
    (await embedTexts(provider, list, role, { ...embedOptions(session), onPlan: undefined })).vectors
  const drawn = permutation(texts.length, createRandom(seed)).slice(0, sample).sort()
  const sampled = Array.from(drawn, i => texts[i])
  const numbered = (list: readonly string[]) => new Map(list.map((text, i) => [String(i), text]))
  const asked = [given.train, given.test].flatMap(set => [...(set?.queries.values() ?? [])])
  const planned = { name: 'bridge', queries: numbered(asked), corpus: numbered(sampled), qrels: new Map() }
  // Before the first paid request.
  given.embed?.onPlan?.((await estimateDatasets(provider, [planned], given.cache)).total)
  const rowOf = new Map(texts.map((text, i) => [text, i]))
  const setOf = async (data: QADataset | undefined): Promise<EmbeddedDataset<Rows> | undefined> => {
    if (!data) return undefined
    const labelled = [...data.queries].flatMap(([id, text]) => {
      const found = [...(data.qrels.get(id) ?? [])].flatMap(([doc, grade]) => {
        const at = rowOf.get(data.corpus.get(doc) ?? '')
        return at === undefined || grade <= 0 ? [] : [[at, grade] as const]
      })
      return found.length > 0 ? [{ id, text, positives: new Map(found) }] : []
    })
    if (labelled.length === 0) {
      throw new AdapterTrainError(
        'DATASET_INVALID',
        `${data.name}: expected labelled documents whose vectors of "${index.id}" are known, found none`,
      )
    }
    const queryTexts = labelled.map(({ text }) => text)
    return {
      baseId: provider.id,
      queryIds: labelled.map(({ id }) => id),
      docIds: texts.map((_text, i) => String(i)),
      queries: await embed(queryTexts, 'query'),
      docs: vectors,
      positives: labelled.map(({ positives }) => positives),
      docTextGroup: Uint32Array.from(texts, text => rowOf.get(text)!),
      queryTexts,
    }
  }
  const pairs = { from: await embed(sampled, 'document'), to: gatherRows(vectors, drawn) }
  const [train, test] = [await setOf(given.train), await setOf(given.test)]
  const { tokens, cost } = costOfTexts(provider, sampled)
  const share = documents / sampled.length
  const nativeQueries = test && (await target.queries?.(test.queryTexts as string[]))
  return {
    base: {
      id: provider.id,
      dimensions: pairs.from.cols,
      normalized: isNormalized(pairs.from),
      provider: provider.facts ?? { name: 'custom' },
    },
    index,
    pairs,
    documents,
    ...(train && { train }),
    ...(test && { test }),
    ...(nativeQueries && { nativeQueries }),
    cost: {
      bridge: costOf(sampled.length, tokens, cost),
      reembed: costOf(documents, Math.round(tokens * share), cost && cost * share),
    },
  }
}

/**
 * Finds the vectors of texts that the cache has of a model, which is not called.
 * @param texts of the documents of the index
 */
export async function cachedTarget(
  provider: Pick<EmbeddingProvider, 'id' | 'cacheKey'>,
  texts: readonly string[],
  cache: NonNullable<EmbedSession['cache']>,
): Promise<BridgeTarget> {
  const find = async (list: readonly string[], role: 'query' | 'document') => {
    const found: { readonly text: string; readonly vector: Float32Array }[] = []
    await lookUp(list, { provider, role }, cache, (i, _hash, vector) => {
      if (vector) found.push({ text: list[i], vector })
    })
    return found
  }
  const distinct = [...new Set(texts)]
  const found = await find(distinct, 'document')
  const vectors = fromRows(found.map(({ vector }) => vector))
  return {
    index: { id: provider.id, dimensions: vectors.cols, metric: 'cosine' },
    documents: distinct.length,
    texts: found.map(({ text }) => text),
    vectors,
    async queries(list) {
      const known = await find(list, 'query')
      return known.length === list.length ? fromRows(known.map(({ vector }) => vector)) : undefined
    },
  }
}

/**
 * Draws rows of an index that is only read, in one pass and bounded memory.
 * @param options `wanted`: texts whose rows are taken besides the sample, such as those of labelled documents
 * @throws DATASET_INVALID if the index does not know its texts; as `openIndex`
 */
export function indexTarget(
  source: IndexSource,
  options: SampleOptions & { readonly id?: string; readonly filter?: string; readonly wanted?: readonly string[] } = {},
): Promise<BridgeTarget> {
  const { sample = BRIDGE_SAMPLE, seed = TRAIN_DEFAULTS.seed, filter } = options
  return usingIndex(source, async index => {
    if (!index.hasTexts) {
      const problem = 'expected an index with the texts of its rows, found none. Name their column in the URL: ?text=NAME'
      throw new AdapterTrainError('DATASET_INVALID', `${index.id}: ${problem}`)
    }
    const random = createRandom(seed)
    const wanted = new Set(options.wanted)
    const drawn: { readonly text: string; readonly vector: Float32Array }[] = []
    const kept = new Map<string, Float32Array>()
    let seen = 0
    for await (const rows of index.scan({ vectors: true, text: true, filter })) {
      for (const { text, vector } of rows) {
        if (text === undefined || !vector) continue
        if (wanted.has(text)) kept.set(text, vector)
        // Reservoir sampling: every row so far is drawn with the same chance.
        const at = seen < sample ? seen : random.int(seen + 1)
        if (at < sample) drawn[at] = { text, vector }
        seen++
      }
    }
    for (const { text, vector } of drawn) kept.set(text, vector)
    return {
      index: { id: options.id ?? index.id, dimensions: index.dimensions, metric: index.metric },
      documents: seen,
      texts: [...kept.keys()],
      vectors: fromRows([...kept.values()], index.dimensions),
    }
  })
}

/** Takes a folder of vectors with the texts of its documents as an index. @throws DATASET_INVALID without texts */
export function folderTarget({ train, test }: VectorParts<Rows>, id = train.baseId): BridgeTarget {
  const parts = [train, ...(test && test.docs !== train.docs ? [test] : [])]
  const texts = new Set<string>()
  const found = parts.map(({ docTexts = [], docs }) => {
    const rows = docTexts.flatMap((text, i) => {
      if (text === undefined || texts.has(text)) return []
      texts.add(text)
      return [i]
    })
    return { from: docs, rows: Uint32Array.from(rows) }
  })
  const queries = new Map(
    [train, ...(test ? [test] : [])].flatMap(({ queryTexts = [], queries: own }) =>
      queryTexts.flatMap((text, i) => (text === undefined ? [] : [[text, { own, i }] as const])),
    ),
  )
  return {
    index: { id, dimensions: train.docs.cols, metric: 'cosine' },
    documents: parts.reduce((sum, { docs }) => sum + docs.rows, 0),
    texts: [...texts],
    vectors: toMatrix(joinRows(found)),
    async queries(list) {
      const found = list.map(text => queries.get(text))
      return found.every(one => one !== undefined) ? fromRows(found.map(one => gatherRows(one!.own, [one!.i]).data)) : undefined
    },
  }
}

/**
 * Makes an adapter that maps a model's queries into the index of another model: from two folders of vectors, or from a provider and
 * texts whose vectors are known.
 * @throws as `openBridgeFolders` or `openBridgeTexts`, and as `runBridge`
 */
export async function bridge(options: (BridgeFolders | BridgeTexts) & RunBridgeOptions): Promise<BridgeResult> {
  const data = 'provider' in options ? await openBridgeTexts(options) : await openBridgeFolders(options)
  return runBridge(data, options)
}
