import { outputDimensions } from '../../adapters/adapter.js'
import { encodeTensor, tensorShape } from '../../adapters/safetensors.js'
import { mapValues, parseJson } from '../../adapters/stored-adapter.js'
import { encodeOnnxModel, type OnnxConstant, type OnnxNode } from '../../engines/cpu/onnx-graph.js'
import { AdapterTrainError } from '../../errors.js'
import { type Matrix, matrix } from '../../math/matrix.js'
import { VERSION } from '../../version.js'
import { factsOf } from '../facts.js'
import type { Format } from '../format.js'
import { decodeOnnxModel, looksLikeOnnx } from '../onnx-file.js'

/** Names of the graph's input [batch, d] and output [batch, k]. */
const [INPUT, OUTPUT] = ['embedding', 'adapted']
/** Numbers of the memory's gate. */
const [SLOPE, LEAST_DEVIATION] = ['slope', 'least_deviation']

const product = (x: string, W: string, b: string | undefined, out: string): OnnxNode => ({
  op: 'Gemm',
  inputs: b === undefined ? [x, W] : [x, W, b],
  outputs: [out],
  attributes: { transB: { int: 1 } },
})

type Names = string | readonly string[]
const node = (op: string, inputs: Names, outputs: Names, attributes = {}): OnnxNode => ({
  op,
  inputs: [inputs].flat(),
  outputs: [outputs].flat(),
  attributes,
})

const HIDDEN_LAYER = [product(INPUT, 'W1', 'b1', 'sum'), node('Relu', 'sum', 'hidden'), product('hidden', 'W2', 'b2', 'change')]

/** The graph of each kind of adapter, over the parameters by name. */
const GRAPHS: Readonly<Record<string, readonly OnnxNode[]>> = {
  linear: [product(INPUT, 'W', 'b', OUTPUT)],
  diagonal: [node('Mul', [INPUT, 'w'], 'scaled'), node('Add', ['scaled', 'b'], OUTPUT)],
  'low-rank': [
    product(INPUT, 'V', undefined, 'inner'),
    product('inner', 'U', 'b', 'change'),
    node('Add', [INPUT, 'change'], OUTPUT),
  ],
  'residual-mlp': [...HIDDEN_LAYER, node('Add', [INPUT, 'change'], OUTPUT)],
  'residual-mlp over W': [
    ...HIDDEN_LAYER,
    product(INPUT, 'W', undefined, 'straight'),
    node('Add', ['straight', 'change'], OUTPUT),
  ],
  'linear-memory': [
    product(INPUT, 'W', 'b', 'linear'),
    node('LpNormalization', 'linear', 'mapped', { axis: { int: 1 }, p: { int: 2 } }),
    node('LpNormalization', INPUT, 'unit', { axis: { int: 1 }, p: { int: 2 } }),
    node('Split', 'gate', ['beta', 'kappa', 'z0', 'mu', 'sigma'], { axis: { int: 1 } }),
    product('unit', 'keys', undefined, 'similarity'),
    node('Mul', ['similarity', 'kappa'], 'logits'),
    node('Softmax', 'logits', 'weights', { axis: { int: 1 } }),
    node('MatMul', ['weights', 'values'], 'recalled'),
    node('ReduceMax', 'similarity', 'nearest', { axes: { ints: [1] }, keepdims: { int: 1 } }),
    node('Sub', ['nearest', 'mu'], 'above'),
    node('Max', ['sigma', LEAST_DEVIATION], 'deviation'),
    node('Div', ['above', 'deviation'], 'z'),
    node('Sub', ['z', 'z0'], 'opening'),
    node('Mul', ['opening', SLOPE], 'logit'),
    node('Sigmoid', 'logit', 'gateway'),
    node('Mul', ['gateway', 'beta'], 'weight'),
    node('Mul', ['recalled', 'weight'], 'memory'),
    node('Add', ['mapped', 'memory'], OUTPUT),
  ],
}

/** Constants in the graph of a kind besides its parameters. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'linear-memory': { [LEAST_DEVIATION]: 1e-6, [SLOPE]: 1.5 },
}

/** One model file for any ONNX runtime, the facts of the adapter in its metadata. */
export const onnx: Format = {
  types: ['F32'],
  ending: '.onnx',
  encode(adapter) {
    const { kind, base, params } = adapter
    const nodes = GRAPHS[params.W1 && params.W ? `${kind} over W` : kind]
    if (!nodes) {
      const problem = `a ${kind} adapter has no ONNX graph yet. Use --format safetensors`
      throw new AdapterTrainError('CONVERT_UNSUPPORTED', problem)
    }
    const { format, kind: _, ...facts } = factsOf(adapter)
    const others = mapValues(facts, value => JSON.stringify(value))
    const metadata = { format: String(format), kind, base_id: base.id, ...others }
    return encodeOnnxModel(
      {
        name: `${kind} query adapter for ${base.id}`,
        nodes,
        inputs: [{ name: INPUT, type: 'float32', shape: ['batch', base.dimensions] }],
        outputs: [{ name: OUTPUT, type: 'float32', shape: ['batch', outputDimensions(adapter)] }],
        constants: [
          ...Object.entries(params).map(([name, m]) => constant(name, m)),
          ...Object.entries(NUMBERS[kind] ?? {}).map(([name, x]) => constant(name, matrix(1, 1, Float32Array.of(x)))),
        ],
      },
      { producer: 'adapter-train', version: VERSION, metadata },
    )
  },
  matches: ({ names, read }) => names === undefined && looksLikeOnnx(read()),
  decode({ path, read }) {
    const { metadata, constants } = decodeOnnxModel(read(), path)
    const { format, kind, base_id: _, ...facts } = metadata
    const { [SLOPE]: _slope, [LEAST_DEVIATION]: _deviation, ...params } = constants
    if (format === undefined) return { params }
    return { params, facts: { format, kind, ...mapValues(facts, text => parseJson(text, path)) } }
  },
}

const constant = (name: string, m: Matrix): OnnxConstant => ({
  name,
  type: 'float32',
  // Products need a matrix, also of one row.
  shape: isVector(name) ? tensorShape(m) : [m.rows, m.cols],
  bytes: encodeTensor(name, m, 'F32'),
})

/** True for biases and weights of single dimensions, which apply to every row of a batch. */
const isVector = (name: string): boolean => /^(b\d?|w)$/.test(name)
