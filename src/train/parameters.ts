import type { AdapterKind, ParamSpec, Params, Weights } from '../adapters/kind.js'
import { anchorAt, type Engine } from '../engines/engine.js'
import { type Matrix, matrix } from '../math/matrix.js'

/** An adapter in training: its parameters, their gradients and AdamW's moments, on an engine. */
export interface ParamState {
  readonly specs: readonly ParamSpec[]
  readonly params: Params
  readonly grads: Params
  /** First moments. */
  readonly m: Params
  /** Second moments. */
  readonly v: Params
}

/** Starts every parameter at its anchor: the identity map. */
export function createParams(engine: Engine, kind: AdapterKind, d: number): ParamState {
  const specs = kind.params(d)
  const each = <T>(make: (spec: ParamSpec) => T): Record<string, T> =>
    Object.fromEntries(specs.map(spec => [spec.name, make(spec)]))
  const zeros = (): Params => each(({ rows, cols }) => engine.alloc(rows, cols))
  return { specs, params: each(spec => engine.upload(anchorMatrix(spec))), grads: zeros(), m: zeros(), v: zeros() }
}

/** Gives the tensors of a state back. */
export function freeParams(engine: Engine, state: ParamState): void {
  for (const group of [state.params, state.grads, state.m, state.v])
    for (const t of Object.values(group)) engine.free(t)
}

/** The weights with which a kind is the identity map. */
export function identityWeights(kind: AdapterKind, d: number): Weights {
  return Object.fromEntries(kind.params(d).map(spec => [spec.name, anchorMatrix(spec)]))
}

/** Brings the parameters back from the engine. */
export async function readParams(engine: Engine, state: ParamState): Promise<Weights> {
  const weights: Record<string, Matrix> = {}
  for (const { name, rows, cols } of state.specs) {
    weights[name] = matrix(rows, cols, await engine.read(state.params[name]))
  }
  return weights
}

function anchorMatrix({ rows, cols, anchor }: ParamSpec): Matrix {
  const m = matrix(rows, cols)
  for (let k = 0; k < m.data.length; k++) m.data[k] = anchorAt(anchor, k, cols)
  return m
}
