import { type Adapter, validateAdapter } from '../adapters/adapter.js'
import { adapterMap } from '../adapters/index.js'
import type { AdapterMap, Weights } from '../adapters/kind.js'
import type { Texts } from '../embed/embedded-dataset.js'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import { type Matrix, matrix, row } from '../math/matrix.js'
import { blocksOf, type Rows } from '../math/row-source.js'
import { createBuffers } from './on-engine.js'

/** Queries on the engine at once. */
const BLOCK = 1024

/** Adapts queries on an engine in blocks: f(q) for every row. `queries`: [n, d]. Returns [n, d], or the kind's outputs for d. */
export async function adaptOn(engine: Engine, kind: AdapterMap, weights: Weights, queries: Rows, texts?: Texts): Promise<Matrix> {
  const out = matrix(queries.rows, kind.outputs?.(weights) ?? queries.cols)
  const buffers = createBuffers(engine)
  try {
    const params = Object.fromEntries(Object.entries(weights).map(([name, m]) => [name, buffers.upload(m)]))
    for (const { start, block } of blocksOf(queries, BLOCK)) {
      const X = engine.upload(block)
      try {
        const Z = buffers.scratch('Z', block.rows, out.cols)
        await kind.forward(engine, params, X, Z, buffers.scratch, texts?.slice(start, start + block.rows))
        out.data.set(await engine.read(Z), start * out.cols)
      } finally {
        engine.free(X)
      }
    }
  } finally {
    buffers.free()
  }
  return out
}

/** Adapts queries on an engine like `applyAdapter`, up to float32 rounding. */
export async function applyAdapterOn(
  engine: Engine,
  adapter: Pick<Adapter, 'kind' | 'base' | 'params' | 'terms'>,
  queries: Rows,
  texts?: Texts,
): Promise<Matrix> {
  validateAdapter(adapter as Adapter)
  const { dimensions } = adapter.base
  if (queries.cols !== dimensions) {
    throw new AdapterTrainError(
      'VECTOR_INVALID',
      `queries: expected the adapter's ${dimensions} dimensions, found ${queries.cols}. Embed them with the adapter's base model`,
    )
  }
  const adapted = await adaptOn(engine, adapterMap(adapter.kind), adapter.params, queries, texts)
  texts?.forEach((text, i) => {
    if (text !== undefined) adapter.terms?.mix(row(adapted, i), text)
  })
  return adapted
}
