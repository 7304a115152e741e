import type { EmbeddingEstimate } from '../../embed/estimate.js'
import { TUNE_BUDGET } from '../../pipeline/defaults.js'
import type { TimeEstimate, TrialReport } from '../../pipeline/run-trial.js'
import { PRICES_DATE } from '../../providers/prices.js'
import { formatDollars, whole } from '../../report/format.js'
import { signed } from '../../words.js'
import type { GoalName } from '../commands/init.js'
import { formatDuration } from '../output/progress.js'
import { count } from '../output/tables.js'
import type { ChosenBase } from './choose-base.js'
import type { ChosenDataset } from './choose-data.js'
import { type ExaminedData, halfWidth } from './examine-data.js'

const LISTED = 6

export function dataText({ format, examined }: ChosenDataset): string[] {
  const { files, counts, findings, advice, loaded } = examined
  const paths = { train: files.train, validation: files.val, test: files.test }
  const parts = Object.entries(paths).flatMap(([name, path]) => {
    const { queries, documents } = counts[name] ?? {}
    return path ? [`${name}: ${path}, ${count(queries, 'query', 'queries')}, ${count(documents, 'document')}`] : []
  })
  const shown = findings.length > LISTED ? [...findings.slice(0, LISTED), 'and more (adapter-train inspect)'] : findings
  const invalid = loaded.skipped.length
  return [
    `${format}; ${parts[0]}`,
    ...parts.slice(1),
    ...(invalid > 0 ? [`! ${count(invalid, 'invalid entry is', 'invalid entries are')} left out (skip-invalid)`] : []),
    ...shown.map(finding => `! ${finding}`),
    ...advice.map(line => `- ${line}`),
  ]
}

/** Describes model, key and external effects; never shows the key. */
export function baseText({ opened }: ChosenBase): string[] {
  const { provider, name, key, keyVariable, outside, problem } = opened
  const dimensions = provider?.dimensions === undefined ? '' : `, ${provider.dimensions} dimensions`
  const keys = {
    set: `${keyVariable} is set (not checked yet)`,
    missing: problem!,
    'not needed': outside === 'sends' ? 'no key is set' : 'no key needed',
  }
  const lines = [`${provider?.id ?? name}${dimensions}; ${keys[key]}`]
  if (key === 'missing') lines.push(`! before training: export ${keyVariable}=...`)
  else if (problem !== undefined) lines.push(`! ${problem}`)
  if (outside === 'fetches') lines.push('the model is downloaded at first use')
  return lines
}

export function estimateText(estimate: EmbeddingEstimate | undefined, { base, kFold }: Setup): string[] {
  const seconds = `choosing options takes ${TUNE_BUDGET} s at the most (tune-budget)${kFold ? `, ${kFold + 1} times over (k-fold)` : ''}`
  if (!estimate) return ['what embedding takes is known when the model is there; nothing is paid', seconds]
  const { missing, cached, tokens, cost } = estimate
  const isPaid = base.opened.outside === 'sends'
  const price = !isPaid
    ? 'no cost'
    : cost === undefined
      ? 'at a price that is not known (--price)'
      : `${priceText(cost)} (prices of ${PRICES_DATE})`
  const known = cached > 0 ? `, ${whole(cached)} are in the cache` : ''
  const texts = `${whole(missing)} texts to embed`
  return [`${texts}, ${whole(tokens)} tokens, ${price}${known}`, seconds]
}

/** 0.00002 -> "less than $0.0001", 1.5 -> "about $1.50" */
export function priceText(dollars: number): string {
  return dollars > 0 && dollars < 0.0001 ? 'less than $0.0001' : `about ${formatDollars(dollars)}`
}

/** Score of a base with nothing left to gain. */
const PERFECT = 0.99

export function trialText(trial: TrialReport, { labelled, loaded }: ExaminedData): string[] {
  const { data, metric, score, gain, deviation, folds, seconds } = trial
  const corpus = loaded.parts.train.corpus.size
  const part = (n: number, all: number, what: string): string =>
    n < all ? `${whole(n)} of ${whole(all)} ${what}` : `all ${whole(all)} ${what}`
  const interval = `95% CI ${signed(gain.low)} to ${signed(gain.high)}`
  const limits = [
    'nothing is tuned here',
    ...(data.queries < labelled ? ['fewer queries teach less'] : []),
    ...(data.documents < corpus ? ['among fewer documents the base looks better than it is'] : []),
  ]
  const half = halfWidth(labelled, deviation).toFixed(3)
  const verdict =
    score >= PERFECT
      ? 'The base finds nearly everything first: among these documents there is next to nothing to gain.'
      : gain.low > 0
        ? 'An adapter learns something from such data: a full run is worth its time.'
        : gain.high < 0
          ? 'A plain adapter loses here. The full run chooses among gentler ones, and the gate rejects what does not help.'
          : `No significant gain on ${count(data.queries, 'query', 'queries')}. ${data.queries < labelled ? `With all ${labelled} queries the interval would be about ±${half}.` : 'More labelled queries would narrow the interval.'}`
  return [
    `${part(data.queries, labelled, 'queries')}, ${part(data.documents, corpus, 'documents')}, ${(seconds.embed + seconds.train).toFixed(1)} s`,
    `${metric} of the base model ${score.toFixed(4)}; an adapter changes it by ${signed(gain.mean)} out of fold (${folds} folds, ${interval})`,
    verdict,
    `It says whether there is something to learn, not how much: ${limits.join('; ')}.`,
  ]
}

/** "about 20s, embedding included" */
export function timeText({ embed, train }: TimeEstimate): string {
  const total = formatDuration(Math.max(1, (embed ?? 0) + train))
  return `about ${total} on this machine${embed === undefined ? ', and the embedding' : ''}`
}

export interface Setup {
  readonly data: ChosenDataset
  readonly base: ChosenBase
  readonly goal: GoalName
  readonly dimensionsOut?: number
  readonly kFold?: number
}

export type SayLines = (title: string, lines: readonly string[]) => void
