import { FORMAT_NAMES, FORMATS, type FormatName } from '../../convert/formats/index.js'
import { KIND_NAMES } from '../../convert/kinds.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { text } from '../options/checks.js'

const options = defineOptions({
  format: {
    alias: 'f',
    choices: FORMAT_NAMES,
    describe: `what to write, by default as the ending of the name says; ${FORMAT_NAMES.map(name => `${name}: ${FORMATS[name].description}`).join('; ')}`,
  },
  dtype: { choices: ['f32', 'f16'], describe: 'type of the weights, where the format has a choice' },
  'base-id': {
    type: 'string',
    coerce: text('base-id'),
    describe: 'id of the base model, where the file that is read does not say it',
  },
  kind: { choices: KIND_NAMES, describe: 'kind of the adapter, where the names of its weights do not tell' },
  ...outputOptions,
})

export interface ConvertArgs extends OutputArgs {
  readonly input: string
  readonly output: string
  readonly format?: FormatName
  readonly dtype?: 'f32' | 'f16'
  readonly baseId?: string
  readonly kind?: string
}

/** `adapter-train convert` */
export const convertCommand: Command<ConvertArgs> = {
  form: 'convert <input> <output>',
  group: 'Use',
  describe: 'write an adapter for other programs, or read theirs',
  positionals: {
    input: { type: 'string', describe: 'adapter, in any of the formats', demandOption: true },
    output: { type: 'string', describe: 'file or folder to write', demandOption: true },
  },
  options,
  examples: [
    ['convert adapters/x.json x.onnx', 'for any ONNX runtime'],
    ['convert adapters/x.json x-llamaindex --format llamaindex', 'a folder for LlamaIndex'],
    ['convert x-llamaindex adapters/y.json --base-id openai/text-embedding-3-small', 'back again'],
  ],
  async run(args) {
    const { convert } = await import('../actions/convert.js')
    await convert(args)
    return undefined
  },
}
