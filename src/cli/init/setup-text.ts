import type { EmbeddingEstimate } from '../../embed/estimate.js'
import { TUNE_BUDGET } from '../../pipeline/defaults.js'
import { PRICES_DATE } from '../../providers/prices.js'
import { count } from '../output/tables.js'
import { formatDollars } from '../session.js'
import type { ChosenBase } from './choose-base.js'
import type { ChosenDataset } from './choose-data.js'
import type { Setup } from './setup.js'

/** Most findings that are listed. */
const LISTED = 6

/** What was recognised, counts, findings, and what they mean. */
export function dataText({ format, examined }: ChosenDataset): string[] {
  const { files, counts, findings, advice, loaded } = examined
  const part = (name: string, path: string | undefined): string[] =>
    path === undefined || !counts[name]
      ? []
      : [
          `${name}: ${path}, ${count(counts[name].queries, 'query', 'queries')}, ${count(counts[name].documents, 'document')}`,
        ]
  const shown = findings.length > LISTED ? [...findings.slice(0, LISTED), 'and more (adapter-train inspect)'] : findings
  const invalid = loaded.skipped.length
  return [
    `${format}; ${part('train', files.train)[0]}`,
    ...part('validation', files.val),
    ...part('test', files.test),
    ...(invalid > 0 ? [`! ${count(invalid, 'invalid entry is', 'invalid entries are')} left out (skip-invalid)`] : []),
    ...shown.map(finding => `! ${finding}`),
    ...advice.map(line => `- ${line}`),
  ]
}

/** Model, key and what using it does; never the key itself. */
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
  if (outside === 'fetches') lines.push('the model is fetched at first use')
  return lines
}

/** Tokens, dollars and the bound of the time of the whole run. */
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
  const known = cached > 0 ? `, ${cached.toLocaleString('en')} are in the cache` : ''
  return [
    `${missing.toLocaleString('en')} texts to embed, ${tokens.toLocaleString('en')} tokens, ${price}${known}`,
    seconds,
  ]
}

/** 0.00002 -> "less than $0.0001", 1.5 -> "about $1.50" */
export function priceText(dollars: number): string {
  return dollars > 0 && dollars < 0.0001 ? 'less than $0.0001' : `about ${formatDollars(dollars)}`
}
