import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { adapterKind, MAP_KIND_NAMES } from '../../src/adapters/index.js'
import { createCpuEngine } from '../../src/engines/cpu/index.js'
import type { Engine } from '../../src/engines/engine.js'
import { matrix } from '../../src/math/matrix.js'
import { adaptOn, applyAdapterOn } from '../../src/train/adapt-on.js'
import { expectClose, randomMatrix } from '../contracts/engine/support.js'
import { rejection } from '../helpers/rejection.js'

const d = 12

/** An adapter of random weights. */
function randomAdapter(name: string): Adapter {
  const specs = adapterKind(name).params(d)
  return {
    kind: name,
    base: { id: 'test/model', dimensions: d, normalized: true },
    training: { tool: 'test', date: '', data: {}, options: {}, metrics: {} },
    params: Object.fromEntries(specs.map(({ name, rows, cols }, i) => [name, randomMatrix(rows, cols, 10 + i)])),
  }
}

describe('adapting queries on an engine', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await createCpuEngine()
  })
  afterAll(() => engine.dispose())

  test.each(MAP_KIND_NAMES.flatMap(name => [1, 1024, 2050].map(n => [name, n] as const)))(
    'gives with a %s adapter and %d queries what applyAdapter gives',
    async (name, n) => {
      const [adapter, queries] = [randomAdapter(name), randomMatrix(n, d, 3)]
      const expected = applyAdapter(adapter, queries)
      const before = queries.data.slice()
      const direct = await adaptOn(engine, adapterKind(name), adapter.params, queries)
      expectClose(direct.data, expected.data, 1e-5, 'adapted')
      expect(await applyAdapterOn(engine, adapter, queries)).toEqual(direct)
      expect(queries.data).toEqual(before)
    },
  )

  test('gives nothing for no queries', async () => {
    expect(await applyAdapterOn(engine, randomAdapter('linear'), matrix(0, d))).toEqual(matrix(0, d))
  })

  test('refuses queries of another length, and weights that are not those of the kind', async () => {
    const adapter = randomAdapter('linear')
    const error = await rejection(applyAdapterOn(engine, adapter, randomMatrix(2, d + 1, 1)))
    expect(error).toMatchObject({ code: 'VECTOR_INVALID', message: expect.stringMatching(/12 dimensions, found 13/) })
    const broken = { ...adapter, params: { W: adapter.params.W } }
    expect(await rejection(applyAdapterOn(engine, broken, randomMatrix(2, d, 1)))).toMatchObject({
      code: 'ADAPTER_FORMAT',
    })
  })
})
