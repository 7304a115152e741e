import type { Weights } from '../../adapters/kind.js'
import { wrong } from '../../adapters/stored-adapter.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import { isParameter } from '../kinds.js'

/**
 * The parameters of an adapter from the tensors of a module, by the names that `torch.nn.Linear`, Sentence Transformers' Dense and
 * LlamaIndex's LinearLayer and TwoLayerNN give them, or that an adapter has itself.
 *
 * @param tensors by name
 * @throws ADAPTER_FORMAT when it is no such module
 */
export function paramsOfModule(tensors: ReadonlyMap<string, Matrix>, where: string): Weights {
  const names = [...tensors.keys()]
  const take = (name: string): Matrix => tensors.get(name) as Matrix
  const biasOf = (name: string, weight: Matrix): Matrix => tensors.get(name) ?? matrix(1, weight.rows)
  const only = (...known: readonly string[]): boolean => names.every(name => known.includes(name))

  const prefix = tensors.has('linear.weight') ? 'linear.' : ''
  if (tensors.has(`${prefix}weight`) && only(`${prefix}weight`, `${prefix}bias`)) {
    const W = take(`${prefix}weight`)
    return { W, b: biasOf(`${prefix}bias`, W) }
  }
  const layers = ['linear1.weight', 'linear1.bias', 'linear2.weight', 'linear2.bias', 'residual_weight']
  if (tensors.has(layers[0]) && tensors.has(layers[2]) && only(...layers)) {
    const [W1, W2] = [take(layers[0]), take(layers[2])]
    const scale = tensors.get('residual_weight')?.data[0] ?? 1
    const scaled = ({ rows, cols, data }: Matrix) => matrix(rows, cols, scale === 1 ? data : data.map(x => x * scale))
    return { W1, b1: biasOf(layers[1], W1), W2: scaled(W2), b2: scaled(biasOf(layers[3], W2)) }
  }
  if (names.some(isParameter)) {
    const params = Object.fromEntries(tensors)
    return params.W && !params.b ? { ...params, b: biasOf('b', params.W) } : params
  }
  throw wrong(
    where,
    `holds the tensors ${names.join(', ') || '(none)'}; expected linear.weight and linear.bias, or the parameters of an adapter`,
  )
}
