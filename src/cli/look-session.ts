import { basename } from 'node:path'
import { loadAdapter } from '../adapters/file.js'
import { type QADataset, selfMatches } from '../dataset/dataset.js'
import { probePath } from '../dataset/probe.js'
import { readDataset } from '../dataset/read.js'
import { readCorpus } from '../dataset/read-corpus.js'
import { queriesOf, queryKey, readQueries } from '../dataset/read-queries.js'
import { usageError } from '../errors.js'
import { HYBRID_WINDOW } from '../evaluate/fusion.js'
import { openIndex, parseIndexUrl } from '../indexes/index.js'
import type { VectorIndex } from '../indexes/vector-index.js'
import { indexCollection } from '../pages/collection.js'
import type { PageRoute } from '../pages/local-server.js'
import { createLook, type Look, type LookData } from '../pages/look.js'
import { checkBase, refuseBridge } from '../wrap/adapter-source.js'
import { untilStopped } from './interrupt.js'
import type { LookArgs } from './options/look-options.js'
import { withBaseOf } from './options/provider-options.js'
import { readToken } from './options/read-token.js'
import { type Console, reportSkipped } from './output/console.js'
import { ifSent, noteUnchecked, withSession } from './session.js'

type PageArgs = LookArgs & { readonly json: boolean; readonly split?: string }

/** What a command does with the searches of its page. */
export interface LookSession {
  readonly look: Look
  readonly title: string
  /** Serves until the program is stopped. @throws as loading the data and `serveLocally` */
  serve(routes: Readonly<Record<string, PageRoute>>): Promise<void>
}

/** Opens adapters, provider and data for a page, and closes them. */
export async function withLook(args: PageArgs, out: Console, work: (session: LookSession) => Promise<void>) {
  const { data, corpus, index } = args
  const source = data ?? corpus ?? index
  if (source === undefined) throw usageError('documents: expected --data, --corpus or --index')
  // Said before an address is printed.
  for (const path of [data, corpus, args.queries]) if (path !== undefined) await probePath(path)
  const paths = args.adapter ?? []
  const adapters = paths.map((path, i) => {
    const name = basename(path).replace(/\.json$/, '')
    const isFirst = paths.findIndex(other => basename(other) === basename(path)) === i
    return { name: isFirst ? name : path, adapter: loadAdapter(path), path }
  })
  const [first] = adapters
  const based = await withBaseOf(args, first?.adapter, first?.path)
  await withSession(based, out, async ({ provider, cache, embed: { onPlan, ...embed }, release }) => {
    for (const { adapter } of adapters) {
      checkBase(adapter, provider, args.allowMismatch)
      refuseBridge(adapter)
      noteUnchecked(adapter, provider, out)
    }
    release()
    const stop = new AbortController()
    const stopped = untilStopped(() => {})
    stopped.then(() => stop.abort())
    const { hybrid } = args
    const opened: { index?: VectorIndex } = {}
    const look = createLook({
      provider,
      cache,
      embed: { ...embed, onPlan: ifSent(onPlan) },
      adapters,
      signal: stop.signal,
      hybrid: hybrid && { ...hybrid, window: HYBRID_WINDOW },
      // The page is served before the data are read.
      open: () => new Promise(resolve => setImmediate(() => resolve(openLookData(args, opened, out)))),
    })
    const serve: LookSession['serve'] = async routes => {
      const { serveLocally } = await import('../pages/local-server.js')
      const token = readToken(args.tokenFile)
      const server = await serveLocally({ host: args.host, port: args.port, token, routes })
      out.json({ url: server.url })
      out.result(`page at ${server.url}\n(Ctrl-C ends it)`)
      try {
        // Data that cannot be loaded end the program too.
        await Promise.race([stopped, look.words.then(() => stopped)])
      } finally {
        stop.abort()
        await server.close()
      }
    }
    try {
      const title = data === undefined && corpus === undefined ? parseIndexUrl(source).id : basename(source)
      await work({ look, title, serve })
    } finally {
      stop.abort()
      await opened.index?.close()
    }
  })
}

async function openLookData(args: PageArgs, opened: { index?: VectorIndex }, out: Console): Promise<LookData> {
  const { data: path, corpus, queries, index, indexFilter: filter, format, split, skipInvalid } = args
  const documentsElsewhere = index !== undefined || corpus !== undefined
  const loaded = path === undefined ? undefined : await readDataset(path, { format, split, skipInvalid, documentsElsewhere })
  reportSkipped(loaded?.skipped ?? [], out)
  const data = loaded?.dataset
  const asked = queries === undefined ? data && queriesOf(data) : await readQueries(queries, { skipInvalid })
  const texts = corpus === undefined ? data?.corpus : await readCorpus(corpus)
  const rest = { name: basename(path ?? corpus ?? index!), queries: asked ?? [], own: data && ownDocuments(data) }
  if (index === undefined) return { ...rest, documents: texts! }
  opened.index = await openIndex(index)
  for (const note of opened.index.notes) out.info(note)
  return { ...rest, documents: await indexCollection(opened.index, { filter, texts }) }
}

/** Collects the documents that a query itself is, by its text. */
function ownDocuments(data: QADataset): ReadonlyMap<string, ReadonlySet<string>> {
  const own = new Map<string, Set<string>>()
  for (const id of selfMatches(data)) {
    const key = queryKey(data.queries.get(id)!)
    own.set(key, (own.get(key) ?? new Set()).add(id))
  }
  return own
}
