import { encodeSafetensors, tensorOf } from '../../adapters/safetensors.js'
import { wrong } from '../../adapters/stored-adapter.js'
import { toDense } from '../dense.js'
import { factsFile, jsonBytes } from '../facts.js'
import type { Format } from '../format.js'
import { decodeTorchFile } from '../torch/file.js'
import { paramsOfModule } from '../torch/state-dict.js'
import { readModuleTensors } from './safetensors.js'

const CONFIG = 'config.json'
const WEIGHTS = 'model.safetensors'
/** File of the weights in releases before 2.3. */
const OLD_WEIGHTS = 'pytorch_model.bin'
const IDENTITY = 'torch.nn.modules.linear.Identity'

/** The folder of a Dense module of Sentence Transformers. */
export const sentenceTransformers: Format = {
  types: ['F32'],
  encode(adapter) {
    const { W, b } = toDense(adapter, 'a Dense module of Sentence Transformers')
    const tensors = { 'linear.weight': tensorOf('W', W, 'F32'), 'linear.bias': tensorOf('b', b, 'F32') }
    const config = { in_features: W.cols, out_features: W.rows, bias: true, activation_function: IDENTITY }
    return new Map([
      [CONFIG, jsonBytes(config)],
      [WEIGHTS, encodeSafetensors({ tensors, metadata: { format: 'pt' } })],
      ['README.md', Buffer.from(readme(adapter.base.id))],
      factsFile({ ...adapter, kind: 'linear' }),
    ])
  },
  matches: input => (input.names?.includes(CONFIG) ?? false) && 'activation_function' in input.readJson(CONFIG),
  decode({ names = [], pathOf, read, readJson }) {
    const { activation_function: activation } = readJson(CONFIG)
    if (activation !== IDENTITY) {
      const found = `has the activation function ${JSON.stringify(activation)}`
      throw wrong(pathOf(CONFIG), `${found}, expected "${IDENTITY}"; an adapter has none`)
    }
    const file = names.includes(WEIGHTS) ? WEIGHTS : OLD_WEIGHTS
    const tensors = (file === WEIGHTS ? readModuleTensors : decodeTorchFile)(read(file), pathOf(file))
    return { params: paramsOfModule(tensors, pathOf(file)) }
  },
}

const readme = (baseId: string): string => `# Query adapter for ${baseId}

A Dense module of Sentence Transformers, written by adapter-train. It belongs behind the **queries** of ${baseId} only: documents
stay as they are. To use it inside a model, put this folder beside the model's other modules as \`3_Dense\`, after
\`Normalize\` where there is one, and add it to the \`modules.json\` of a copy of the model that embeds queries alone:

\`\`\`json
{ "idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense" }
\`\`\`
`
