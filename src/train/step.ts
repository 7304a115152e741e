import type { AdapterKind, Params } from '../adapters/kind.js'
import type { Engine } from '../engines/engine.js'
import type { CandidateBatch } from '../losses/candidates.js'
import { createBuffers } from './buffers.js'
import { createCandidateDocuments } from './candidate-documents.js'
import { crossEntropy } from './cross-entropy.js'
import { gatherInto, type Origin } from './gather-into.js'
import type { ParamState } from './parameters.js'

export interface StepOptions {
  /** Factor of the cosine in the softmax, the inverse temperature. */
  readonly scale: number
  /** Decoupled decay toward the identity map. */
  readonly weightDecay: number
  /** Coupled pull toward the identity map: added to the gradient, l2 times the distance. Default 0. */
  readonly l2?: number
  /** Largest Euclidean norm of the gradient of all parameters together; 0 switches clipping off. */
  readonly maxGradNorm: number
}

/** What a step works on: on the engine, or outside it where the engine has no room for it. */
export interface StepInputs {
  /** [n, d] queries as embedded. */
  readonly queries: Origin
  /** [m, k] documents, rows of length 1; k is d, or fewer for truncated documents. */
  readonly documents: Origin
}

/** AdamW's constants, PyTorch's defaults. */
const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const

/**
 * Returns the function that performs one optimiser step on a batch:
 *
 *   Z = f(Q)           adapted queries                [B, k]
 *   U = Z / |Z|        their directions               [B, k]
 *   S = U D^T          cosines with the candidates    [B, P]
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
  const params: Params = state.params
  const grads: Params = state.grads
  const squaredNorm = engine.alloc(1, 1)
  const lossSum = engine.alloc(1, 1)
  const buffers = createBuffers(engine)
  const { scratch } = buffers
  const candidates = createCandidateDocuments(engine, documents)

  function step(batch: CandidateBatch, t: number, lr: number): void {
    const B = batch.queryRows.length
    const Q = scratch('Q', B, queries.cols)
    const [Z, U, dU] = ['Z', 'U', 'dU'].map(name => scratch(name, B, documents.cols))
    const [norms, loss] = ['norms', 'loss'].map(name => scratch(name, B, 1))
    const D = candidates.gather(batch)

    gatherInto(engine, queries, batch.queryRows, Q)
    kind.forward(engine, params, Q, Z, scratch)
    engine.normalizeRows(Z, U, norms)
    crossEntropy(engine, { U, D, dU, loss }, batch, { scale: options.scale, gradientScale: 1 / B }, scratch)
    engine.addSum(loss, lossSum)

    engine.normalizeRowsBackward(U, norms, dU, dU)
    kind.backward(engine, params, Q, dU, grads, scratch)

    state.specs.forEach((spec, i) => {
      engine.squaredNorm(grads[spec.name], squaredNorm, i > 0)
    })
    for (const { name, anchor } of state.specs) {
      engine.adamw(params[name], grads[name], state.m[name], state.v[name], {
        ...ADAM,
        lr,
        step: t,
        decay: options.weightDecay,
        l2: options.l2 ?? 0,
        anchor,
        clip: options.maxGradNorm > 0 ? { squaredNorm, max: options.maxGradNorm } : undefined,
      })
    }
  }

  /** Gives back every tensor that the steps used, but not the inputs and parameters. */
  function free(): void {
    buffers.free()
    candidates.free()
    for (const t of [squaredNorm, lossSum]) engine.free(t)
  }

  return { step, lossSum, free }
}
