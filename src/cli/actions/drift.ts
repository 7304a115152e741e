import { loadAdapter } from '../../adapters/file.js'
import { readQueries } from '../../dataset/read-queries.js'
import { familiarityTest, readFamiliarity, shareOf } from '../../drift/familiarity.js'
import { embedTexts } from '../../embed/embed-texts.js'
import { AdapterTrainError } from '../../errors.js'
import { row } from '../../math/matrix.js'
import { percent } from '../../words.js'
import { checkBase } from '../../wrap/adapter-source.js'
import { EXIT } from '../command.js'
import type { DriftArgs } from '../commands/drift.js'
import { withBaseOf } from '../options/provider-options.js'
import { createConsole } from '../output/console.js'
import { count } from '../output/tables.js'
import { noteUnchecked, withSession } from '../session.js'

export async function drift(args: DriftArgs): Promise<number | undefined> {
  const out = createConsole(args)
  const adapter = loadAdapter(args.adapter)
  const known = readFamiliarity(adapter, args.adapter)
  if (known === undefined) {
    throw new AdapterTrainError(
      'ADAPTER_FORMAT',
      `${args.adapter}: expected a sketch of its training queries, found none. Train it again with at least 20 queries`,
    )
  }
  const queries = await readQueries(args.queries)
  const texts = queries.map(({ text }) => text)
  const searches = (counted: typeof queries) => counted.reduce((sum, query) => sum + query.searches, 0)
  const base = await withBaseOf(args, adapter, args.adapter)
  return withSession(base, out, async ({ provider, cache, signal, embed }) => {
    checkBase(adapter, provider, args.allowMismatch)
    noteUnchecked(adapter, provider, out)
    const { vectors } = await embedTexts(provider, texts, 'query', { ...embed, cache, signal })
    const test = familiarityTest(known, adapter)
    const unfamiliar = queries.filter((_, i) => test(row(vectors, i)).unfamiliar)
    const found = shareOf(searches(unfamiliar), searches(queries))
    const failed = args.maxUnfamiliar !== undefined && found.share > args.maxUnfamiliar
    out.json({ ...found, training: known.unfamiliar, passed: !failed })
    out.result(
      `${percent(found.share)} of ${count(found.queries, 'query', 'queries')} are unfamiliar (95% CI ${percent(found.low)} to ${percent(found.high)}); in training ${percent(known.unfamiliar)}`,
    )
    if (!failed) return undefined
    out.error(
      `unfamiliar queries: expected at most ${percent(args.maxUnfamiliar!)}, found ${percent(found.share)}. Label some of them and train again`,
    )
    return EXIT.check
  })
}
