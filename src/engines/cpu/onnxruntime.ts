import type { Matrix } from '../../math/matrix.js'
import { encodeOnnxModel, type OnnxConstant, type OnnxValue } from './onnx-graph.js'

/** Matrix products by onnxruntime: a graph of one operation for each pair of transposes. */
export interface OnnxProducts {
  /** Version and threads, such as "onnxruntime 1.30.0, 2 threads". */
  readonly description: string
  /** out = op(a) op(b), written in place. */
  multiply(a: Matrix, b: Matrix, out: Matrix, transposeA: boolean, transposeB: boolean): void
  dispose(): void
}

/** The synchronous session beneath onnxruntime-node's public, promise-based one. */
interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void
  run(feeds: Record<string, object>, fetches: Record<string, object | null>, options: object): unknown
  dispose(): void
}

interface NativeBinding {
  InferenceSession: new () => NativeSession
}

/**
 * Starts onnxruntime, if onnxruntime-node is installed and works on this machine; undefined otherwise.
 *
 * A product must be done when the call returns, which the package's public interface does not offer: it defers every run to the
 * event loop. So the native session is used directly, and only after a trial product came out right.
 */
export async function createOnnxProducts(threads: number): Promise<OnnxProducts | undefined> {
  let binding: NativeBinding
  let version: string
  try {
    const native = await import('onnxruntime-node/dist/binding.js')
    native.initOrt()
    binding = native.binding as unknown as NativeBinding
    version = (await import('onnxruntime-node')).env.versions.node ?? ''
  } catch {
    return undefined
  }
  for (const inPlace of [true, false]) {
    const products = createProducts(binding, `onnxruntime ${version}, ${threads} threads`, threads, inPlace)
    if (works(products)) return products
    products.dispose()
  }
  return undefined
}

function createProducts(
  { InferenceSession }: NativeBinding,
  description: string,
  threads: number,
  inPlace: boolean,
): OnnxProducts {
  const sessions: (NativeSession | undefined)[] = []

  const sessionFor = (transposeA: boolean, transposeB: boolean): NativeSession => {
    const index = Number(transposeA) * 2 + Number(transposeB)
    const known = sessions[index]
    if (known) return known
    const model = productModel(transposeA, transposeB, inPlace)
    const session = new InferenceSession()
    session.loadModel(model.buffer, model.byteOffset, model.byteLength, sessionOptions(threads))
    sessions[index] = session
    return session
  }

  return {
    description,
    multiply(a, b, out, transposeA, transposeB) {
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
    dispose() {
      for (const session of sessions) session?.dispose()
      sessions.length = 0
    },
  }
}

/**
 * onnxruntime-node writes a product to the array that it is given, and then copies it into a new array to return it; for a
 * weight gradient that costs more than the product. So the graph has a first output of a type that cannot be returned: the run
 * is done, and the copies are never made.
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

/** A wait that spins wins microseconds on an idle machine and loses the other core's work on a busy one. */
const sessionOptions = (threads: number) => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  enableMemPattern: false,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
})

const operand = ({ rows, cols, data }: Matrix) => ({ type: 'float32', location: 'cpu', dims: [rows, cols], data })

/** Whether a small product comes out right. */
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
