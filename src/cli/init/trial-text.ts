import { signed } from '../../math/signed.js'
import type { TimeEstimate } from '../../pipeline/estimate-training.js'
import type { TrialReport } from '../../pipeline/run-trial.js'
import { formatDuration } from '../output/progress.js'
import { count } from '../output/tables.js'
import { type ExaminedData, halfWidth } from './examine-data.js'

/** Score of a base that leaves nothing to gain. */
const PERFECT = 0.99

/** What a trial found, what that means, and what it cannot say. */
export function trialText(trial: TrialReport, { labelled, loaded }: ExaminedData): string[] {
  const { data, metric, score, gain, deviation, folds, seconds } = trial
  const corpus = loaded.parts.train.corpus.size
  const part = (n: number, all: number, what: string): string =>
    n < all
      ? `${n.toLocaleString('en')} of ${all.toLocaleString('en')} ${what}`
      : `all ${all.toLocaleString('en')} ${what}`
  const interval = `95 % interval ${signed(gain.low)} to ${signed(gain.high)}`
  const limits = [
    'nothing is tuned here',
    ...(data.queries < labelled ? ['fewer queries teach less'] : []),
    ...(data.documents < corpus ? ['among fewer documents the base looks better than it is'] : []),
  ]
  const whole = halfWidth(labelled, deviation).toFixed(3)
  const verdict =
    score >= PERFECT
      ? 'The base finds nearly everything first: among these documents there is next to nothing to gain.'
      : gain.low > 0
        ? 'An adapter learns something from such data: a full run is worth its time.'
        : gain.high < 0
          ? 'A plain adapter loses here. The full run chooses among gentler ones, and the gate holds back what does not help.'
          : `No gain can be told from noise on ${count(data.queries, 'query', 'queries')}. ${data.queries < labelled ? `With all ${labelled} queries the interval would be about ±${whole} wide.` : 'More labelled queries would narrow the interval.'}`
  return [
    `${part(data.queries, labelled, 'queries')}, ${part(data.documents, corpus, 'documents')}, ${(seconds.embed + seconds.train).toFixed(1)} s`,
    `${metric} of the base ${score.toFixed(4)}; an adapter changes it by ${signed(gain.mean)} out of fold (${folds} folds, ${interval})`,
    verdict,
    `It says whether there is something to learn, not how much: ${limits.join('; ')}.`,
  ]
}

/** "about 20s, embedding included" */
export function timeText({ embed, train }: TimeEstimate): string {
  const total = formatDuration(Math.max(1, (embed ?? 0) + train))
  return `about ${total} on this machine${embed === undefined ? ', and the embedding' : ''}`
}
