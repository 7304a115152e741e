import type { AdapterKind, ParamSpec, Params, Weights } from '../adapters/kind.js'
import { anchorAt, type Engine } from '../engines/engine.js'
import { filled, type Matrix, matrix } from '../math/matrix.js'
import { createRandom, type Random } from '../math/random.js'
import type { Rows } from '../math/row-source.js'

/** Parameters of an adapter in training, their gradients and AdamW's moments, on an engine. */
export type ParamState = ReturnType<typeof createParams>

/** Parameters and AdamW's moments, off the engine. */
export type SavedParams = { readonly params: Weights; readonly m: Weights; readonly v: Weights }

/** Creates parameters of the identity map, or the saved ones. */
export function createParams(
  engine: Engine,
  kind: AdapterKind,
  d: number,
  options: Partial<{ size: number; outputs: number; random: Random; saved: SavedParams }> = {},
) {
  const { size, outputs, random = createRandom(0), saved } = options
  const specs = kind.params(d, size, outputs)
  const each = <T>(make: (spec: ParamSpec) => T): Record<string, T> =>
    Object.fromEntries(specs.map(spec => [spec.name, make(spec)]))
  const zeros = (): Params => each(({ rows, cols }) => engine.alloc(rows, cols))
  const upload = (weights: Weights): Params => each(({ name }) => engine.upload(weights[name]))
  const startOf = (spec: ParamSpec): Matrix => {
    const { rows, cols, start } = spec
    return start === undefined ? anchorMatrix(spec) : filled(rows, cols, () => start * random.normal())
  }
  return {
    specs,
    params: saved ? upload(saved.params) : each(spec => engine.upload(startOf(spec))),
    grads: zeros(),
    m: saved ? upload(saved.m) : zeros(),
    v: saved ? upload(saved.v) : zeros(),
  }
}

export function freeParams(engine: Engine, state: ParamState): void {
  for (const group of [state.params, state.grads, state.m, state.v]) for (const t of Object.values(group)) engine.free(t)
}

/** Dimensions of the documents, if they are not those of the queries. */
export function outputsOf({ queries, docs }: { readonly queries: Rows; readonly docs: Rows }): number | undefined {
  return docs.cols === queries.cols ? undefined : docs.cols
}

/** Returns the weights with which a kind is the identity map. */
export function identityWeights(kind: AdapterKind, d: number, size?: number, outputs?: number): Weights {
  return Object.fromEntries(kind.params(d, size, outputs).map(spec => [spec.name, anchorMatrix(spec)]))
}

export async function readParams(engine: Engine, state: ParamState, group: 'params' | 'm' | 'v' = 'params'): Promise<Weights> {
  const weights: Record<string, Matrix> = {}
  for (const { name, rows, cols } of state.specs) {
    weights[name] = matrix(rows, cols, await engine.read(state[group][name]))
  }
  return weights
}

function anchorMatrix({ rows, cols, anchor }: ParamSpec): Matrix {
  return filled(rows, cols, k => anchorAt(anchor, k, cols))
}
