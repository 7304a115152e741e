import type { TrainingPhase } from '../../pipeline/training.js'
import type { EpochResult } from '../../train/trainer.js'
import type { Tried } from '../../train/tune/tune.js'
import type { Console } from './console.js'

/** Progress of a training run: a redrawn line and, with `--verbose`, every candidate, epoch and phase. */
export type TrainingProgress = ReturnType<typeof trainingProgress>

const PHASES = { embed: 'embedding', tune: 'choosing options', train: 'training', evaluate: 'measuring' } as const

/** @param metric of candidates and epochs */
export function trainingProgress(metric: string, out: Console) {
  const choosing = out.progress('choosing', 'candidates')
  const training = out.progress('training', 'steps')
  let tried = 0
  let best = Number.NEGATIVE_INFINITY
  let epochNote = ''
  let phase: { readonly name: keyof typeof PHASES; readonly since: number } | undefined

  function endPhase(): void {
    choosing.end()
    training.end()
    if (phase) out.detail(`${PHASES[phase.name]} took ${((performance.now() - phase.since) / 1000).toFixed(2)} s`)
    phase = undefined
  }

  return {
    onPhase(name: 'embed' | TrainingPhase): void {
      endPhase()
      phase = { name, since: performance.now() }
      if (name === 'tune') choosing.update(0, undefined)
    },
    onTried(line: string, { score, stoppedAfter }: Tried): void {
      out.detail(stoppedAfter ? `${line}, given up` : line)
      if (!stoppedAfter) best = Math.max(best, score)
      const note = best > Number.NEGATIVE_INFINITY ? `best so far ${metric} ${best.toFixed(4)}` : undefined
      choosing.update(++tried, undefined, note)
    },
    onStep: (step: number, steps: number) => training.update(step, steps, epochNote),
    onEpoch({ epoch, loss, metric: value }: EpochResult, epochs: number): void {
      const measured = value === undefined ? '' : `  validation ${metric} ${value.toFixed(4)}`
      epochNote = `epoch ${epoch}/${epochs}  loss ${loss.toFixed(4)}${measured}`
      if (epoch === epochs) {
        training.end()
        out.info(epochNote)
      } else {
        out.detail(epochNote)
      }
    },
    end: endPhase,
  }
}
