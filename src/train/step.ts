import type { AdapterKind } from '../adapters/kind.js'
import type { Engine } from '../engines/engine.js'
import type { TrainingBatch } from '../losses/batch-source.js'
import { crossEntropy } from './cross-entropy.js'
import { createBuffers, createCandidateDocuments, gatherInto, type Origin } from './on-engine.js'
import type { ResolvedOptions } from './options.js'
import type { ParamState } from './parameters.js'

export interface StepOptions extends ResolvedOptions {
  /** Coupled pull toward the identity map: added to the gradient, l2 times the distance. Default 0. */
  readonly l2?: number
}

/** AdamW's constants, PyTorch's defaults. */
const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const

/**
 * Creates the function that performs one optimiser step on a batch:
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
  { queries, documents }: Readonly<Record<'queries' | 'documents', Origin>>,
  options: StepOptions,
) {
  const { params, grads } = state
  const squaredNorm = engine.alloc(1, 1)
  const lossSum = engine.alloc(1, 1)
  const buffers = createBuffers(engine)
  const { scratch } = buffers
  const candidates = createCandidateDocuments(engine, documents)

  function step(batch: TrainingBatch, t: number, lr: number): void {
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

    for (const [i, spec] of state.specs.entries()) engine.squaredNorm(grads[spec.name], squaredNorm, i > 0)
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

  /** Frees every tensor of the steps except inputs and parameters. */
  function free(): void {
    buffers.free()
    candidates.free()
    for (const t of [squaredNorm, lossSum]) engine.free(t)
  }

  return { step, lossSum, free }
}
