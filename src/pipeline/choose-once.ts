import type { Engine } from '../engines/engine.js'
import { joinQueries } from '../train/tune/extra-queries.js'
import { type Choice, chooseOptions } from './choose-options.js'
import type { EmbeddedParts } from './embedded-parts.js'
import type { TrainOnEmbeddedOptions } from './train-on-embedded.js'

/**
 * The choice that is given, or that an interrupted run has left in its checkpoint, or a new one, which is saved there: cross-validation need not be
 * done again, and where its budget cuts it, it might come out otherwise.
 *
 * @throws as `chooseOptions`
 */
export async function chooseOnce(
  engine: Engine,
  embedded: EmbeddedParts,
  options: TrainOnEmbeddedOptions,
): Promise<Choice> {
  if (options.choice) return options.choice
  const { checkpoint } = options
  const saved = checkpoint?.state.choice as Omit<Choice, 'train'> | undefined
  if (saved) {
    const train = saved.tuned?.chosen.pseudo ? joinQueries(embedded.train, embedded.pseudo!) : embedded.train
    return { ...saved, final: { ...options.train, ...saved.final }, train }
  }
  const choice = await chooseOptions(engine, embedded, options)
  const { train: _train, ...data } = choice
  checkpoint?.save({ choice: { ...data, final: plainOptions(choice.final) } })
  return choice
}

/** Options without callbacks and handles. */
export function plainOptions(options: object): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  )
}
