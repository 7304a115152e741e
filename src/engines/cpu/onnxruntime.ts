import { getOrInsert } from '../../maps.js'
import type { Matrix } from '../../math/matrix.js'
import { encodeOnnxModel, type OnnxConstant, type OnnxValue } from './onnx-graph.js'

/** Matrix products with onnxruntime: a graph of one operation for each pair of transposes. */
export type OnnxProducts = ReturnType<typeof createProducts>

/** The synchronous session beneath onnxruntime-node's public, promise-based one. */
type NativeBinding = typeof import('onnxruntime-node/dist/binding.js')['binding']
type NativeSession = InstanceType<NativeBinding['InferenceSession']>
type Operand = Parameters<NativeSession['run']>[0][string]

/**
 * Starts onnxruntime; undefined if onnxruntime-node is not installed or does not work on this machine.
 *
 * A product must be complete when the call returns, but the package's public interface defers every run to the event loop. So this
 * file, and no other, uses the private native session, after a trial product has the right result. package.json pins the package
 * to patch releases; test/engines/onnxruntime.test.ts fails when the session moves, and WebAssembly then does the products.
 */
export async function createOnnxProducts(threads: number): Promise<OnnxProducts | undefined> {
  let binding: NativeBinding
  let version: string
  try {
    const native = await import('onnxruntime-node/dist/binding.js')
    native.initOrt()
    binding = native.binding
    version = (await import('onnxruntime-node')).env.versions.node ?? ''
  } catch {
    return undefined
  }
  for (const inPlace of [true, false]) {
    const products = createProducts(binding, version, threads, inPlace)
    if (works(products)) return products
    products.dispose()
  }
  return undefined
}

function createProducts({ InferenceSession }: NativeBinding, version: string, threads: number, inPlace: boolean) {
  const sessions = new Map<string, NativeSession>()

  const sessionFor = (transposeA: boolean, transposeB: boolean): NativeSession =>
    getOrInsert(sessions, `${transposeA} ${transposeB}`, () => {
      const { buffer, byteOffset, byteLength } = productModel(transposeA, transposeB, inPlace)
      const session = new InferenceSession()
      session.loadModel(buffer as ArrayBuffer, byteOffset, byteLength, sessionOptions(threads))
      return session
    })

  return {
    description: `onnxruntime ${version}, ${threads} threads`,
    /** Writes op(a) op(b) to `out`. */
    multiply(a: Matrix, b: Matrix, out: Matrix, transposeA: boolean, transposeB: boolean): void {
      const session = sessionFor(transposeA, transposeB)
      const feeds = { a: operand(a), b: operand(b) }
      if (!inPlace) {
        session.run(feeds, { out: operand(out) }, {})
        return
      }
      try {
        session.run(feeds, { [STOP.name]: null, out: operand(out) }, {})
      } catch (error) {
        if (!isStop(error)) throw error
      }
    },
    dispose(): void {
      for (const session of sessions.values()) session.dispose()
      sessions.clear()
    },
  }
}

/**
 * onnxruntime-node writes a product to the given array, and then copies it into a new array to return it; for a weight gradient
 * that costs more than the product. So the graph has a first output of a type that cannot be returned: the run completes, and the
 * copies are never made.
 */
const STOP: OnnxConstant = { name: 'stop', type: 'bfloat16', shape: [1], bytes: new Uint8Array(2) }

const isStop = (error: unknown): boolean => error instanceof Error && /^Tensor type .*not supported/.test(error.message)

function productModel(transposeA: boolean, transposeB: boolean, inPlace: boolean): Uint8Array {
  const value = (name: string): OnnxValue => ({ name, type: 'float32', shape: [`${name}Rows`, `${name}Cols`] })
  const attributes = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } }
  return encodeOnnxModel({
    name: 'product',
    nodes: [{ op: 'Gemm', inputs: ['a', 'b'], outputs: ['out'], attributes }],
    inputs: [value('a'), value('b')],
    outputs: [...(inPlace ? [STOP] : []), value('out')],
    constants: inPlace ? [STOP] : [],
  })
}

/** No spinning: it saves microseconds on an idle machine and takes the other core's time on a busy one. */
const sessionOptions = (threads: number): Parameters<NativeSession['loadModel']>[3] => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  enableMemPattern: false,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
})

/** The binding reads these four members of a tensor. */
const operand = ({ rows, cols, data }: Matrix): Operand =>
  ({ type: 'float32', location: 'cpu', dims: [rows, cols], data }) as unknown as Operand

function works(products: OnnxProducts): boolean {
  const a = { rows: 1, cols: 2, data: Float32Array.of(1, 2) }
  const b = { rows: 2, cols: 2, data: Float32Array.of(3, 4, 5, 6) }
  const out = { rows: 1, cols: 2, data: new Float32Array(2) }
  try {
    products.multiply(a, b, out, false, false)
  } catch {
    return false
  }
  return out.data[0] === 13 && out.data[1] === 16
}
