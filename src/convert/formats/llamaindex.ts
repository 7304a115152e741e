import type { Adapter } from '../../adapters/adapter.js'
import { wrong } from '../../adapters/stored-adapter.js'
import { AdapterTrainError } from '../../errors.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import { toDense } from '../dense.js'
import { factsFile, jsonBytes } from '../facts.js'
import type { Format } from '../format.js'
import { decodeTorchFile, encodeTorchFile, looksLikeTorchFile } from '../torch/file.js'
import { paramsOfModule } from '../torch/state-dict.js'

const CONFIG = 'config.json'
const WEIGHTS = 'pytorch_model.bin'

/**
 * The folder of an adapter of LlamaIndex: LinearLayer if it is affine, TwoLayerNN if it has a hidden layer. Also reads a state dict
 * of PyTorch without a folder.
 * @see https://github.com/run-llama/llama_index/tree/main/llama-index-integrations/embeddings/llama-index-embeddings-adapter
 */
export const llamaindex: Format = {
  types: ['F32'],
  encode(adapter) {
    const { config, tensors, kind } = adapter.kind === 'residual-mlp' ? twoLayerNN(adapter) : linearLayer(adapter)
    if (config.in_features !== config.out_features || (kind === 'residual-mlp' && adapter.params.W)) {
      // Its LinearLayer copies torch.eye(in, out) into its weights first, which fails for any other shape.
      const found = `${config.in_features} to ${config.out_features} dimensions${kind === 'residual-mlp' ? ' with W' : ''}`
      const problem = `a ${kind} adapter of ${found} is none of LlamaIndex's, which keep the number of dimensions`
      throw new AdapterTrainError('CONVERT_UNSUPPORTED', `${problem}. Use --format safetensors or onnx`)
    }
    return new Map([[CONFIG, jsonBytes(config)], [WEIGHTS, encodeTorchFile(tensors)], factsFile({ ...adapter, kind })])
  },
  matches: ({ names, read }) => (names ? names.includes(WEIGHTS) : looksLikeTorchFile(read())),
  decode({ path, names, pathOf, read, readJson }) {
    const file = names ? WEIGHTS : undefined
    const where = file === undefined ? path : pathOf(file)
    const tensors = decodeTorchFile(read(file), where)
    if (names?.includes(CONFIG)) checkConfig(readJson(CONFIG), tensors, pathOf(CONFIG))
    return { params: paramsOfModule(tensors, where) }
  },
}

function linearLayer(adapter: Adapter) {
  const { W, b } = toDense(adapter, "LlamaIndex's LinearLayer")
  return {
    kind: 'linear',
    config: { in_features: W.cols, out_features: W.rows, bias: true },
    tensors: new Map([
      ['linear.weight', W],
      ['linear.bias', b],
    ]),
  }
}

function twoLayerNN({ params: { W1, b1, W2, b2 } }: Adapter) {
  return {
    kind: 'residual-mlp',
    config: {
      in_features: W1.cols,
      hidden_features: W1.rows,
      out_features: W2.rows,
      bias: true,
      activation_fn_str: 'relu',
      add_residual: true,
    },
    // LlamaIndex starts training with a residual weight of 0; the trained adapter has 1.
    tensors: new Map<string, Matrix>([
      ['residual_weight', matrix(1, 1, Float32Array.of(1))],
      ['linear1.weight', W1],
      ['linear1.bias', b1],
      ['linear2.weight', W2],
      ['linear2.bias', b2],
    ]),
  }
}

/** The weights alone do not say how TwoLayerNN puts them together. */
function checkConfig(
  { add_residual, activation_fn_str = 'relu' }: Readonly<Record<string, unknown>>,
  tensors: ReadonlyMap<string, Matrix>,
  where: string,
): void {
  if (!tensors.has('linear1.weight')) return
  if (add_residual === true && activation_fn_str === 'relu') return
  const found = `"add_residual" ${JSON.stringify(add_residual)} and "activation_fn_str" ${JSON.stringify(activation_fn_str)}`
  throw wrong(where, `has ${found}, expected true and "relu", as a residual-mlp adapter computes`)
}
