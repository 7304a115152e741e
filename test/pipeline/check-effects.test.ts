import { expect, test } from 'vitest'
import { checkEffects } from '../../src/pipeline/check-effects.js'
import type { OpenedData } from '../../src/pipeline/open-data.js'
import { runTraining } from '../../src/pipeline/run-training.js'
import type { TrainingOptions } from '../../src/pipeline/training.js'

const GATELESS = { tune: 'off' } as const

test.each<[string, TrainingOptions]>([
  ['--epochs has no effect with --kind ridge, a closed form', { train: { kind: 'ridge', epochs: 3 } }],
  ['--negatives has no effect with --kind ridge, a closed form', { train: { kind: 'ridge', negatives: 'corpus' } }],
  ['--scale has no effect with --kind procrustes, a closed form', { ...GATELESS, train: { kind: 'procrustes', scale: 10 } }],
  ['--patience has no effect with --kind ridge', { ...GATELESS, train: { kind: 'ridge', patience: 2 } }],
  ['--hard-negatives has no effect without --negatives hard', { train: { hardNegatives: 3 } }],
  ['--mine-every has no effect without --negatives hard', { ...GATELESS, train: { mineEvery: 3, negatives: 'corpus' } }],
  ['--patience has no effect with --tune auto', { train: { patience: 3 } }],
  ['keep "best" has no effect with tune "auto"', { train: { keep: 'best' } }],
  ['--tune-budget has no effect with --tune off; add --gate', { ...GATELESS, tuneBudget: 5 }],
  ['--text-terms has no effect with --tune off; add --gate', { ...GATELESS, textTerms: 'words' }],
  ['--text-terms has no effect with --kind diagonal', { textTerms: 'feedback', train: { kind: 'diagonal' } }],
  ['--term-rows has no effect with --tune off', { ...GATELESS, termRows: 100 }],
  ['--term-rows has no effect with --text-terms off', { textTerms: 'off', termRows: 100 }],
  ['--term-bytes has no effect with --text-terms words', { textTerms: 'words', termBytes: 100 }],
  ['--engine-device has no effect with --engine cpu', { train: { engine: 'cpu', device: 'x' } }],
])('%s', async (message, options) => {
  const data = { embed: () => Promise.reject(new Error('embedded')) } as unknown as OpenedData
  await expect(runTraining({ data, ...options })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
  })
})

test.each<[string, TrainingOptions]>([
  ['nothing given', {}],
  ['what the recipe does anyway', { train: { patience: 0, keep: 'last' }, textTerms: 'auto', tuneBudget: 60 }],
  ['options of steps', { train: { kind: 'low-rank', epochs: 3, negatives: 'hard', mineEvery: 1 } }],
  ['patience and keep with --tune off', { ...GATELESS, train: { patience: 3, keep: 'best' } }],
  ['a gate with --tune off', { ...GATELESS, gate: true, tuneBudget: 5, textTerms: 'words', termRows: 100 }],
  ['the budget of a memory', { ...GATELESS, tuneBudget: 5, train: { kind: 'linear-memory' } }],
  ['a device of another engine', { train: { engine: 'tfjs', device: 'cpu' } }],
])('%s is taken', (_, options) => {
  expect(() => checkEffects(options)).not.toThrow()
})
