import { type Adapter, validateAdapter } from '../adapters/adapter.js'
import { adapterMap } from '../adapters/index.js'
import type { AdapterMap, Weights } from '../adapters/kind.js'
import type { Engine, Tensor } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import type { Matrix } from '../math/matrix.js'
import { matrix } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { createBuffers } from './buffers.js'

/** Queries that are on the engine at once. */
const BLOCK = 1024

/**
 * Adapts queries on an engine, some at a time: f(q) for every row.
 * @param queries [n, d]
 * @returns [n, d], or the kind's outputs for d
 */
export async function adaptOn(engine: Engine, kind: AdapterMap, weights: Weights, queries: Rows): Promise<Matrix> {
  const out = matrix(queries.rows, kind.outputs?.(weights) ?? queries.cols)
  const buffers = createBuffers(engine)
  const held: Tensor[] = []
  const hold = (t: Tensor): Tensor => {
    held.push(t)
    return t
  }
  try {
    const params = Object.fromEntries(Object.entries(weights).map(([name, m]) => [name, hold(engine.upload(m))]))
    for (const { start, block } of blocksOf(queries, BLOCK)) {
      const X = engine.upload(block)
      try {
        const Z = buffers.scratch('Z', block.rows, out.cols)
        await kind.forward(engine, params, X, Z, buffers.scratch)
        out.data.set(await engine.read(Z), start * out.cols)
      } finally {
        engine.free(X)
      }
    }
  } finally {
    buffers.free()
    for (const t of held) engine.free(t)
  }
  return out
}

/**
 * Adapts queries on an engine as `applyAdapter` does, up to the rounding of float32.
 * @throws ADAPTER_FORMAT, ADAPTER_CORRUPT as `validateAdapter`
 * @throws VECTOR_INVALID when the queries do not have the dimensions of the adapter
 */
export async function applyAdapterOn(
  engine: Engine,
  adapter: Pick<Adapter, 'kind' | 'base' | 'params'>,
  queries: Rows,
): Promise<Matrix> {
  validateAdapter(adapter as Adapter)
  const { dimensions } = adapter.base
  if (queries.cols !== dimensions) {
    throw new AdapterTrainError(
      'VECTOR_INVALID',
      `the queries have ${queries.cols} dimensions, but the adapter was trained for ${dimensions}; embed the queries with the adapter's base model`,
    )
  }
  return adaptOn(engine, adapterMap(adapter.kind), adapter.params, queries)
}
