import type { Adapter } from '../../adapters/adapter.js'
import { writeFileAtomic } from '../../files.js'
import { isIndexUrl } from '../../indexes/index.js'
import type { EmbeddedTrainingReport, TrainingReport } from '../../pipeline/training.js'
import type { ComparisonReport, Report, Reproduction } from '../../report/index.js'
import { checkReportFormat, renderReport } from '../../report/index.js'
import { engineText } from '../../report/sections/data.js'
import { VERSION } from '../../version.js'
import { kebab, withoutPasswords } from '../../words.js'
import { checkOut } from '../options/data-files.js'
import type { Console } from './console.js'

export type ReportFacts = Omit<Report, 'reproduce'> | Omit<ComparisonReport, 'reproduce'>

/** Checks, before any work, that the report can be written and overwrites nothing. `others`: files read or written otherwise. */
export function checkReport(path: string | undefined, others: readonly (string | undefined)[]): void {
  if (path === undefined) return
  checkReportFormat(path)
  checkOut(path, others, 'report')
}

export async function writeReport(path: string, facts: ReportFacts, out: Console): Promise<void> {
  const reproduce: Reproduction = {
    command: commandLine(process.argv.slice(2)),
    date: new Date().toISOString(),
    versions: [
      ['adapter-train', VERSION],
      ['Node', process.version],
      ['system', `${process.platform} ${process.arch}`],
    ],
  }
  writeFileAtomic(path, await renderReport(path, { ...facts, reproduce }))
  if (out.isJson) out.info(`report     ${path}`)
  else out.result(`report     ${path}`)
}

const MASK = '[redacted]'
const SECRET = /(^|-)(keys?|token|secrets?|passwords?|authorization|headers?)$/

/**
 * Quotes the command line for a shell and masks secrets: values of options named like one, credentials and queries in addresses,
 * and values of environment variables named like one.
 */
export function commandLine(words: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    SECRET.test(name.toLowerCase().replaceAll('_', '-')) && value !== undefined && value.length >= 8 ? [value] : [],
  )
  const shown = words.map((word, i) => {
    const [, option, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (option !== undefined && value !== undefined && SECRET.test(kebab(option))) return `--${option}=${MASK}`
    const [, before] = /^--([\w-]+)$/.exec(words[i - 1] ?? '') ?? []
    if (before !== undefined && SECRET.test(kebab(before))) return MASK
    return withoutCredentials(secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), word))
  })
  return ['adapter-train', ...shown.map(quoted)].join(' ')
}

/** Masks user:password@host, ?key=… and what looks like a key in a text. */
export function withoutCredentials(word: string): string {
  return withoutPasswords(word)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^?#\s]*)[?#]\S*/gi, (url, start) => (isIndexUrl(url) ? url : `${start}?${MASK}`))
    .replace(/\b(sk|pk|rk)-[\w-]{8,}/g, MASK)
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

type Trained = EmbeddedTrainingReport &
  Partial<Pick<TrainingReport, 'cache'>> & { readonly seconds: Partial<TrainingReport['seconds']> }

export function trainingFacts(adapter: Adapter, report: Trained, path: string, metric: string): ReportFacts {
  const { metrics, kFold, cache, data } = report
  const { embed, tune, train, total } = report.seconds
  const split = metrics?.split
  const queries = split === undefined ? undefined : split === 'k-fold' ? kFold!.queries : data[split]?.queries
  const { sha256 } = adapter.training.data as { readonly sha256?: string }
  return {
    ...report,
    metric,
    queries,
    measuredOn: split && (split === 'k-fold' ? `${kFold!.folds} folds, held out in turn` : `the ${split} set`),
    facts: known({
      adapter: path,
      engine: engineText(report),
      embedded:
        cache && `${cache.misses} texts in ${cache.requests} requests, ${cache.tokens} tokens; ${cache.hits} from the cache`,
      seconds: inWords({ embedding: embed, tuning: tune, training: train, total }),
      'data, SHA-256': sha256,
      options: inWords(adapter.training.options),
    }),
  }
}

/** Lists the facts that are known. */
export function known<T>(facts: Readonly<Record<string, T | undefined>>): [name: string, fact: T][] {
  return Object.entries(facts).filter((entry): entry is [string, T] => entry[1] !== undefined)
}

/** { embedding: 1.5, total: 2 } -> "embedding 1.5, total 2" */
const inWords = (values: object): string =>
  known({ ...values })
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
