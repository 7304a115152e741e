import { type Command, outputOptions } from '../command.js'
import { batchOptions } from '../options/batch-options.js'
import { datasetOptions, splitOption } from '../options/dataset-options.js'
import { providerOptions } from '../options/provider-options.js'
import { type ArgsOf, file, flag, integer, number } from '../options/rows.js'

/**
 * Largest 1 - cosine between a cached vector and a new one of an unchanged model. Services compute in half precision on changing
 * machines, which moves a vector by some 1e-5; another model or another pooling moves it by more than 1e-2.
 */
export const VERIFY_BOUND = 1e-3
const positionals = { data: file('datasets', { array: true, demandOption: true }) }

const options = {
  ...providerOptions,
  ...datasetOptions,
  ...splitOption,
  ...batchOptions,
  estimate: flag('cost of what is missing only; nothing is sent'),
  verify: integer('cached texts to embed again, to see whether the model has changed under its name', { min: 1 }),
  'max-difference': number('largest 1 - cosine of old and new vector with --verify; above it the exit code is 4', {
    min: 0,
    default: VERIFY_BOUND,
  }),
  ...outputOptions,
}

export type EmbedArgs = ArgsOf<typeof positionals & typeof options>

export const embedCommand: Command = {
  form: 'embed <data..>',
  group: 'Get data',
  describe: 'Embed datasets into the cache, or estimate the cost',
  positionals,
  options,
  examples: [
    ['embed train.json test.json --base openai --estimate', 'tokens and cost, before anything is sent'],
    ['embed train.json test.json --base openai', 'fill the cache'],
    ['embed train.json --base openai --verify 20', 'has the model changed since these texts were embedded?'],
    ['embed train.json test.json --base openai --batch-api', "at half the price, through OpenAI's Batch API"],
  ],
}
