import { FILE_KIND_NAMES } from '../../adapters/index.js'
import { describeFormat, FORMAT_NAMES } from '../../convert/formats/index.js'
import { type Command, outputOptions } from '../command.js'
import { type ArgsOf, choice, file, name } from '../options/rows.js'

const positionals = {
  input: file('adapter, in any of the formats', { demandOption: true }),
  output: file('file or folder to write', { demandOption: true }),
}

const formats = FORMAT_NAMES.map(format => `${format}: ${describeFormat(format)}`).join('; ')
const options = {
  format: choice(FORMAT_NAMES, `format to write (default: by the ending of the name); ${formats}`, { alias: 'f' }),
  dtype: choice(['f32', 'f16'], 'type of the weights, if the format has a choice'),
  'base-id': name('id of the base model, if the input does not contain it'),
  kind: choice(FILE_KIND_NAMES, 'kind of the adapter, if the names of its weights are ambiguous'),
  ...outputOptions,
}

export type ConvertArgs = ArgsOf<typeof positionals & typeof options>

export const convertCommand: Command = {
  form: 'convert <input> <output>',
  group: 'Use',
  describe: 'Convert an adapter to or from the formats of other programs',
  positionals,
  options,
  examples: [
    ['convert adapters/x.json x.onnx', 'for any ONNX runtime'],
    ['convert adapters/x.json x-llamaindex --format llamaindex', 'a folder for LlamaIndex'],
    ['convert adapters/x.json x.md', 'a model card: base, data, recipe, figures, limits, use'],
    ['convert x-llamaindex adapters/y.json --base-id openai/text-embedding-3-small', 'back again'],
  ],
}
