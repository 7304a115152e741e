import { existsSync } from 'node:fs'
import type { QADataset } from '../../dataset/dataset.js'
import { type EmbeddingEstimate, estimateDatasets } from '../../embed/estimate.js'
import { isAdapterTrainError, messageOf } from '../../errors.js'
import type { TimeEstimate, TrialReport } from '../../pipeline/run-trial.js'
import { embeddedSets, estimateTime, runTrial, trialSample } from '../../pipeline/run-trial.js'
import { whole } from '../../report/format.js'
import type { InitArgs } from '../commands/init.js'
import { GOALS, type Goal } from '../commands/init.js'
import { openCacheOption } from '../options/provider-options.js'
import type { Console } from '../output/console.js'
import { withSession } from '../session.js'
import { tryBase } from './choose-base.js'
import { type Prompter, yesNo } from './prompter.js'
import { estimateText, priceText, type SayLines, type Setup, timeText, trialText } from './setup-text.js'

export interface Findings {
  /** Absent if the model is not downloaded yet. */
  readonly estimate?: EmbeddingEstimate
  readonly trial?: TrialReport
  readonly time?: TimeEstimate
  /** Length of the vector of the one text of a check. */
  readonly checked?: number
  /** Reasons why something cannot be done yet. */
  readonly problems: readonly string[]
}

interface Asking {
  readonly args: InitArgs
  readonly out: Console
  readonly prompter: Prompter | undefined
  readonly say: SayLines
}

/** Estimates the run and, with consent, makes a trial or checks key and model; failures of these are only reported. */
export async function lookFurther(setup: Setup, asking: Asking): Promise<Findings> {
  const { args, out, prompter, say } = asking
  const { base, data, goal, dimensionsOut, kFold } = setup
  const { parts } = data.examined.loaded
  const { problem } = base.opened
  const sample = trialSample(parts.train)
  const [estimate, ofSample] = await estimates(setup, [embeddedSets(parts), [sample]])
  say('estimate', estimateText(estimate, setup))
  const found = { estimate, problems: problem === undefined ? [] : [problem] }
  if (problem !== undefined) return found
  try {
    const effect = trialEffect(setup, ofSample)
    const question = `Try it on a small sample?${effect ? ` This ${effect}.` : ''}`
    if (await wants('trial', question, setup, asking)) {
      const trial = await withSession(base.args, out, ({ provider, cache, signal, embed }) => {
        const { kind }: Goal = GOALS[goal]
        const signals = AbortSignal.any(prompter ? [signal, prompter.signal] : [signal])
        return runTrial({ provider, sample, cache, embed, signal: signals, fixed: { kind }, dimensionsOut })
      })
      say('trial', trialText(trial, data.examined))
      const missing = Math.max(0, (estimate?.missing ?? 0) - trial.embedded.texts)
      const time = estimateTime(trial, { missing, queries: data.examined.labelled, kFold })
      say('full run', [timeText(time)])
      return { ...found, trial, time }
    }
    if (args.trial === undefined && !prompter) say('trial', [`none was made; --trial ${effect ?? 'makes one'}`])
    if (args.check || (await wants('check', 'Check key and model with one short text?', setup, asking))) {
      const checked = await withSession(base.args, out, ({ provider, signal }) => tryBase(provider, signal))
      say('check', [`it works: a text was embedded, ${checked} dimensions`])
      return { ...found, checked }
    }
    return found
  } catch (error) {
    if (!isAdapterTrainError(error) || error.code === 'ABORTED') throw error
    return { ...found, problems: [`the base could not be tried: ${messageOf(error)}`] }
  }
}

/** Decides by the option, else by the answer, else true if nothing leaves this machine. */
async function wants(what: 'trial' | 'check', text: string, { base }: Setup, { args, prompter }: Asking) {
  const { outside } = base.opened
  if (what === 'trial' && args.trial !== undefined) return args.trial
  if (what === 'check' && !(outside && prompter)) return false
  return prompter ? prompter.ask(yesNo(text, true)) : outside === undefined
}

/** Describes the external effects of a trial, such as "sends 400 texts to openai". */
function trialEffect({ base }: Setup, sample: EmbeddingEstimate | undefined): string | undefined {
  const { outside, name } = base.opened
  if (outside === 'fetches') return 'downloads the model'
  if (!sample || sample.missing === 0) return undefined
  const price = sample.cost ? `, ${priceText(sample.cost)}` : ''
  const size = `${whole(sample.missing)} texts, ${whole(sample.tokens)} tokens${price}`
  return outside === 'sends' ? `sends ${size} to ${name}` : `embeds ${size}`
}

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
