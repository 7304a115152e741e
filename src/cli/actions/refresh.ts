import type { Adapter } from '../../adapters/adapter.js'
import { loadAdapter, saveAdapter } from '../../adapters/file.js'
import { readCorpus } from '../../dataset/read-corpus.js'
import { AdapterTrainError, usageError } from '../../errors.js'
import { indexError, type VectorIndex } from '../../indexes/vector-index.js'
import { type EmbeddedCorpus, embedCorpus, refreshTerms } from '../../pipeline/corpus-step.js'
import { scanIndex, usingIndex } from '../../pipeline/index-data.js'
import { checkBase } from '../../wrap/adapter-source.js'
import type { RefreshArgs } from '../commands/refresh.js'
import { checkOut } from '../options/data-files.js'
import { withBaseOf } from '../options/provider-options.js'
import { createConsole } from '../output/console.js'
import { noteUnchecked, withSession } from '../session.js'

export async function refresh(args: RefreshArgs): Promise<void> {
  const out = createConsole(args)
  const path = args.out ?? args.adapter
  const adapter = loadAdapter(args.adapter)
  if (!adapter.terms)
    throw new AdapterTrainError('ADAPTER_FORMAT', `${args.adapter}: has no text terms. Train it with --text-terms`)
  const { index, indexFilter: filter, corpus: file } = args
  if ((file === undefined) === (index === undefined))
    throw usageError('expected the documents of today: either --corpus FILE or --index URL')
  checkOut(path, [file])
  if (index !== undefined) return write(await usingIndex(index, opened => readIndex(opened, adapter, filter)))
  const corpus = await readCorpus(file!)
  const opened = await withBaseOf(args, adapter, args.adapter)
  await withSession(opened, out, async ({ provider, ...session }) => {
    noteUnchecked(adapter, provider, out)
    checkBase(adapter, provider, args.allowMismatch)
    write(await embedCorpus(provider, corpus, session))
  })

  function write(documents: EmbeddedCorpus): void {
    try {
      const fresh = refreshTerms(adapter, documents)
      saveAdapter(fresh, path)
      const [before, now] = [adapter.terms!.corpus, fresh.terms!.corpus]
      out.json({ adapter: path, before, now })
      out.result(`before   ${before.documents} documents, ${before.date.slice(0, 10)}`)
      out.result(`now      ${now.documents} documents${before.sha256 === now.sha256 ? ', the same as before' : ''}`)
      out.result(`written  ${path}`)
    } finally {
      documents.close?.()
    }
  }
}

/** @throws ADAPTER_MISMATCH if vectors are of another length; INDEX_OPEN if the index knows no texts */
async function readIndex(index: VectorIndex, { base }: Adapter, filter: string | undefined): Promise<EmbeddedCorpus> {
  const { id, dimensions, hasTexts } = index
  if (!hasTexts) throw indexError(id, 'the texts of its documents are not known. Name their column in the URL: ?text=NAME')
  if (dimensions === base.dimensions) return scanIndex(index, { filter })
  const message = `${id} has vectors of ${dimensions} values; expected ${base.dimensions}, as of the adapter's base ${base.id}`
  throw new AdapterTrainError('ADAPTER_MISMATCH', message)
}
