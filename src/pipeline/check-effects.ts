import { closedForm } from '../adapters/closed-forms/index.js'
import { checkDevice } from '../engines/index.js'
import { usageError } from '../errors.js'
import { hasEffect, OPTION_NAMES, TRAIN_DEFAULTS } from '../train/options.js'
import { kebab } from '../words.js'
import { TEXT_TERMS_DEFAULT, TUNE_BUDGET, TUNE_DEFAULT } from './defaults.js'
import { MEMORY_KIND } from './memory-step.js'
import type { TrainingOptions } from './training.js'

type EffectOptions = Pick<TrainingOptions, 'train' | 'tune' | 'tuneBudget' | 'gate' | 'textTerms' | 'termRows' | 'termBytes'>

/**
 * Refuses options that are given and would do nothing. `size` is checked by training, and a budget or text terms that equal the default
 * count as not given.
 * @throws USAGE naming the option, and the one that leaves it without effect
 */
export function checkEffects(options: EffectOptions): void {
  const { train = {}, tune = TUNE_DEFAULT, gate, tuneBudget = TUNE_BUDGET } = options
  const { textTerms = TEXT_TERMS_DEFAULT, termRows, termBytes } = options
  const { kind = TRAIN_DEFAULTS.kind, negatives = TRAIN_DEFAULTS.negatives, patience = 0, keep, engine } = train
  const refuse = (option: string, isGiven: boolean, why: string | undefined): void => {
    if (isGiven && why !== undefined) throw usageError(`--${option} has no effect ${why}`)
  }
  const closed = closedForm(kind) && `with --kind ${kind}, a closed form`
  for (const name of OPTION_NAMES) {
    const isIdle = name !== 'size' && !hasEffect(name, { kind, negatives })
    refuse(kebab(name), train[name] !== undefined, isIdle ? (closed ?? 'without --negatives hard') : undefined)
  }
  const whole = tune === 'auto' ? 'with --tune auto, which trains for all epochs and keeps the last; add --tune off' : closed
  refuse('patience', patience > 0, whole)
  if (keep === 'best' && tune === 'auto')
    throw usageError('keep "best" has no effect with tune "auto", which keeps the last epoch')
  if (typeof engine === 'string') checkDevice(engine, train.device)

  const searches = tune === 'auto' || gate === true || kind === MEMORY_KIND
  const unsearched = searches ? undefined : 'with --tune off; add --gate'
  refuse('tune-budget', tuneBudget !== TUNE_BUDGET, unsearched)
  const noTerms = kind === TRAIN_DEFAULTS.kind ? unsearched : `with --kind ${kind}; expected --kind ${TRAIN_DEFAULTS.kind}`
  refuse('text-terms', textTerms === 'words' || textTerms === 'feedback', noTerms)
  const source = textTerms === 'auto' ? undefined : `with --text-terms ${textTerms}`
  refuse('term-rows', termRows !== undefined, noTerms ?? (textTerms === 'words' ? undefined : source))
  refuse('term-bytes', termBytes !== undefined, noTerms ?? source)
}
