import { existsSync } from 'node:fs'
import type { QADataset } from '../../dataset/dataset.js'
import type { EmbeddingEstimate } from '../../embed/estimate.js'
import { estimateDatasets } from '../../embed/estimate-datasets.js'
import { isAdapterTrainError, messageOf } from '../../errors.js'
import { embeddedSets, estimateTime, type TimeEstimate } from '../../pipeline/estimate-training.js'
import { runTrial, type TrialReport, trialSample } from '../../pipeline/run-trial.js'
import type { InitArgs } from '../commands/init.js'
import { openCacheOption } from '../options/provider-options.js'
import type { Console } from '../output/console.js'
import { withSession } from '../session.js'
import { GOALS, type Goal } from './goals.js'
import { tryBase } from './open-base.js'
import { type Prompter, yesNo } from './prompter.js'
import type { Report, Setup } from './setup.js'
import { estimateText, priceText } from './setup-text.js'
import { timeText, trialText } from './trial-text.js'

/** What was found out beside the setup. */
export interface Findings {
  /** Absent where the model is not there yet. */
  readonly estimate?: EmbeddingEstimate
  readonly trial?: TrialReport
  readonly time?: TimeEstimate
  /** Length of the vector of the one text of a check. */
  readonly checked?: number
  /** Why something cannot be done yet. */
  readonly problems: readonly string[]
}

interface Asking {
  readonly args: InitArgs
  readonly out: Console
  readonly prompter: Prompter | undefined
  readonly report: Report
}

/**
 * Estimates the whole run and, with consent, makes a trial or checks key and model. What goes wrong with these two is reported and is
 * no reason not to write the file.
 *
 * @throws ABORTED after Ctrl-C
 */
export async function lookFurther(setup: Setup, asking: Asking): Promise<Findings> {
  const { args, out, prompter, report } = asking
  const { base, data, goal, dimensionsOut, kFold } = setup
  const { parts } = data.examined.loaded
  const { problem } = base.opened
  const sample = trialSample(parts.train)
  const [estimate, ofSample] = await estimates(setup, [embeddedSets(parts), [sample]])
  report('estimate', estimateText(estimate, setup))
  const found = { estimate, problems: problem === undefined ? [] : [problem] }
  if (problem !== undefined) return found
  try {
    const effect = trialEffect(setup, ofSample)
    const question = `Try it on a small sample?${effect ? ` This ${effect}.` : ''}`
    if (await wants('trial', question, setup, asking)) {
      const trial = await withSession(base.args.base, base.args, out, ({ provider, cache, signal, embed }) => {
        const { kind }: Goal = GOALS[goal]
        const signals = AbortSignal.any(prompter ? [signal, prompter.signal] : [signal])
        return runTrial({ provider, sample, cache, embed, signal: signals, fixed: { kind }, dimensionsOut })
      })
      report('trial', trialText(trial, data.examined))
      const missing = Math.max(0, (estimate?.missing ?? 0) - trial.embedded.texts)
      const time = estimateTime(trial, { missing, queries: data.examined.labelled, kFold })
      report('full run', [timeText(time)])
      return { ...found, trial, time }
    }
    if (args.trial === undefined && !prompter) report('trial', [`none was made; --trial ${effect ?? 'makes one'}`])
    if (args.check || (await wants('check', 'Check key and model with one short text?', setup, asking))) {
      const checked = await withSession(base.args.base, base.args, out, ({ provider, signal }) =>
        tryBase(provider, signal),
      )
      report('check', [`it works: a text was embedded, ${checked} dimensions`])
      return { ...found, checked }
    }
    return found
  } catch (error) {
    if (!isAdapterTrainError(error) || error.code === 'ABORTED') throw error
    return { ...found, problems: [`the base could not be tried: ${messageOf(error)}`] }
  }
}

/** What an option says, else what is answered, else whether nothing leaves this machine. */
async function wants(what: 'trial' | 'check', text: string, { base }: Setup, { args, prompter }: Asking) {
  const { outside } = base.opened
  if (what === 'trial' && args.trial !== undefined) return args.trial
  if (what === 'check' && !(outside && prompter)) return false
  return prompter ? prompter.ask(yesNo(text, true)) : outside === undefined
}

/** What a trial does to the outside, such as "sends 400 texts to openai". */
function trialEffect({ base }: Setup, sample: EmbeddingEstimate | undefined): string | undefined {
  const { outside, name } = base.opened
  if (outside === 'fetches') return 'fetches the model'
  if (!sample || sample.missing === 0) return undefined
  const price = sample.cost ? `, ${priceText(sample.cost)}` : ''
  const size = `${sample.missing.toLocaleString('en')} texts, ${sample.tokens.toLocaleString('en')} tokens${price}`
  return outside === 'sends' ? `sends ${size} to ${name}` : `embeds ${size}`
}

/** Of the texts that the cache does not have. */
async function estimates({ base }: Setup, sets: readonly QADataset[][]): Promise<(EmbeddingEstimate | undefined)[]> {
  const { provider } = base.opened
  if (!provider) return []
  const cache = existsSync(base.args.cache) ? await openCacheOption(base.args) : undefined
  try {
    return await Promise.all(sets.map(async datasets => (await estimateDatasets(provider, datasets, cache)).total))
  } finally {
    cache?.close()
  }
}
