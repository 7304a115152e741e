import { userInfo } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { collectJudgements } from '../../dataset/judgements.js'
import { readTextLines } from '../../dataset/text-file.js'
import { usageError } from '../../errors.js'
import { parseIndexUrl } from '../../indexes/index.js'
import { type Agreement, agreements } from '../../pages/agreement.js'
import { openJudgements } from '../../pages/judgement-file.js'
import { labelRoutes, strataOf } from '../../pages/label.js'
import { orderQueries } from '../../pages/query-order.js'
import type { LabelArgs } from '../commands/label.js'
import { withLook } from '../look-session.js'
import { createConsole } from '../output/console.js'
import { count } from '../output/tables.js'
import { oneLine } from '../output/width.js'

/** Collects judgements in a page until the program is stopped; or says how judges agree, or splits their labels. */
export async function label(args: LabelArgs): Promise<void> {
  const { labels, pool, seed, order } = args
  const out = createConsole(args)
  if (args.agreement) {
    const found = await agreementsOf(labels)
    out.json({ agreements: found })
    return out.result(agreementText(found))
  }
  if (args.split !== undefined) {
    const { importData } = await import('./import.js')
    const { split } = args
    return importData({ ...args, split, files: [labels], corpus: undefined, format: 'jsonl', splitBy: 'document' })
  }
  if (args.queries === undefined && args.data === undefined)
    throw usageError('nothing to label: expected --queries FILE, or --data with queries')
  const judge = args.judge ?? userName()
  await withLook({ ...args, split: undefined }, out, async ({ look, title, serve }) => {
    const from = (path: string): string => relative(dirname(resolve(labels)), resolve(path))
    const sampling = { order, seed, pool, systems: look.systems.map(({ name }) => name) }
    const { data, corpus, index } = args
    const documents = index
      ? { index: parseIndexUrl(index).id }
      : corpus !== undefined
        ? { corpus: from(corpus) }
        : { data: from(data!) }
    const file = openJudgements(labels)
    const queries = orderQueries(look, order, seed).then(ordered => {
      const strata = strataOf(ordered)
      file.begin({ judgements: 1, documents, sampling: { ...sampling, queries: ordered.length, strata } })
      return ordered
    })
    // The page's requests fail with it.
    queries.catch(() => {})
    try {
      await serve(labelRoutes({ look, title, file, queries, judge, pool, seed }))
    } finally {
      file.close()
    }
  })
}

/** @throws USAGE if neither the system nor the environment has a name, as in a container with `--user 12345` */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    if (process.env.USER) return process.env.USER
    throw usageError('--judge: this user has no name on the system, and USER is not set; add --judge NAME')
  }
}

async function agreementsOf(path: string): Promise<Agreement[]> {
  const judgements = collectJudgements()
  for await (const { text } of readTextLines(path)) if (text.trim() !== '') judgements.take(text)
  return agreements(judgements)
}

const LISTED = 20

function agreementText(found: readonly Agreement[]): string {
  if (found.length === 0) return 'one judge or none: there is nobody to agree with'
  const lines = found.flatMap(({ judges, pairs, kappa, disagreements }) => [
    `${judges.join(' and ')}: Cohen's kappa ${kappa === undefined ? 'unknown' : kappa.toFixed(3)} on ${count(pairs, 'pair')}`,
    ...disagreements.slice(0, LISTED).map(({ text, documents }) => `  ${count(documents, 'document')}: ${oneLine(text, 100)}`),
  ])
  return lines.join('\n')
}
