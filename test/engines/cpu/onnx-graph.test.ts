import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { encodeOnnxModel } from '../../../src/engines/cpu/onnx-graph.js'

test('a graph with attributes, a constant and free dimensions runs in onnxruntime', async () => {
  const model = encodeOnnxModel({
    name: 'affine',
    nodes: [
      {
        op: 'Gemm',
        inputs: ['x', 'W'],
        outputs: ['y'],
        attributes: { transB: { int: 1 }, alpha: { float: 0.5 } },
      },
    ],
    inputs: [{ name: 'x', type: 'float32', shape: ['batch', 3] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['batch', 2] }],
    constants: [{ name: 'W', type: 'float32', shape: [2, 3], bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer) }],
  })
  const session = await InferenceSession.create(model)
  expect(session.inputNames).toEqual(['x'])
  expect(session.inputMetadata[0]).toMatchObject({ shape: ['batch', 3] })
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 1, 1, 0, 2, 0), [2, 3]) })
  expect([...(y.data as Float32Array)]).toEqual([3, 7.5, 2, 5])
})

test('names and sizes above 127 bytes are encoded in full', async () => {
  const name = 'x'.repeat(200)
  const value = { name, type: 'float32', shape: [1000] } as const
  const nodes = [{ op: 'Relu', inputs: [name], outputs: ['y'] }]
  const model = encodeOnnxModel({ name: 'wide', nodes, inputs: [value], outputs: [{ ...value, name: 'y' }] })
  const session = await InferenceSession.create(model)
  expect(session.inputNames).toEqual([name])
  expect(session.inputMetadata[0]).toMatchObject({ shape: [1000] })
})
