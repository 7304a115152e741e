import type { AdapterKind, Params } from '../adapters/kind.js'
import type { Engine, Tensor } from '../engines/engine.js'
import type { CandidateBatch } from '../losses/candidates.js'
import type { ParamState } from './parameters.js'

export interface StepOptions {
  /** Factor of the cosine in the softmax, the inverse temperature. */
  readonly scale: number
  /** Decoupled decay toward the identity map. */
  readonly weightDecay: number
  /** Largest Euclidean norm of the gradient of all parameters together; 0 switches clipping off. */
  readonly maxGradNorm: number
}

/** What a step works on, all on the engine. */
export interface StepInputs {
  /** [n, d] queries as embedded. */
  readonly queries: Tensor
  /** [m, d] documents, rows of length 1. */
  readonly documents: Tensor
}

/** AdamW's constants, PyTorch's defaults. */
export const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const

/**
 * Returns the function that performs one optimiser step on a batch:
 *
 *   Z = f(Q)           adapted queries                [B, d]
 *   S = cos(Z, D)      scores against the candidates  [B, P]
 *   loss = mean over i of -sum_t w_it log softmax(scale S)_it
 *   parameters <- AdamW(gradient)
 *
 * The mean loss of the batch, times B, is added to `lossSum` on the engine; nothing is read back.
 */
export function createStep(
  engine: Engine,
  kind: AdapterKind,
  state: ParamState,
  inputs: StepInputs,
  options: StepOptions,
) {
  const { queries, documents } = inputs
  const d = queries.cols
  const params: Params = state.params
  const grads: Params = state.grads
  const squaredNorm = engine.alloc(1, 1)
  const lossSum = engine.alloc(1, 1)
  const workspaces = new Map<string, ReturnType<typeof allocate>>()

  /** Buffers by batch shape: a run has two at most, the full batch and the last one. */
  function allocate(B: number, P: number) {
    const [Q, Z, U, dU] = [0, 0, 0, 0].map(() => engine.alloc(B, d))
    return {
      Q,
      Z,
      U,
      dU,
      norms: engine.alloc(B, 1),
      loss: engine.alloc(B, 1),
      D: engine.alloc(P, d),
      S: engine.alloc(B, P),
    }
  }

  function workspace(B: number, P: number) {
    const key = `${B}x${P}`
    let found = workspaces.get(key)
    if (!found) {
      found = allocate(B, P)
      workspaces.set(key, found)
    }
    return found
  }

  function step(batch: CandidateBatch, t: number, lr: number): void {
    const B = batch.queryRows.length
    const { Q, Z, U, dU, norms, loss, D, S } = workspace(B, batch.documentRows.length)

    engine.gatherRows(queries, batch.queryRows, Q)
    engine.gatherRows(documents, batch.documentRows, D)
    kind.forward(engine, params, Q, Z)
    engine.normalizeRows(Z, U, norms)
    engine.gemm(U, D, S, { transposeB: true })
    const { targets, masked } = batch
    engine.softmaxCrossEntropy(S, { targets, masked, scale: options.scale, gradientScale: 1 / B }, loss)
    engine.addSum(loss, lossSum)

    engine.gemm(S, D, dU)
    engine.normalizeRowsBackward(U, norms, dU, dU)
    kind.backward(engine, params, Q, dU, grads)

    state.specs.forEach((spec, i) => {
      engine.squaredNorm(grads[spec.name], squaredNorm, i > 0)
    })
    for (const { name, anchor } of state.specs) {
      engine.adamw(params[name], grads[name], state.m[name], state.v[name], {
        ...ADAM,
        lr,
        step: t,
        decay: options.weightDecay,
        l2: 0,
        anchor,
        clip: options.maxGradNorm > 0 ? { squaredNorm, max: options.maxGradNorm } : undefined,
      })
    }
  }

  /** Gives back every tensor that the steps used, but not the inputs and parameters. */
  function free(): void {
    for (const buffers of [{ squaredNorm, lossSum }, ...workspaces.values()])
      for (const t of Object.values(buffers)) engine.free(t)
  }

  return { step, lossSum, free }
}
