import { describe, expect, test } from 'vitest'
import { parseGrid } from '../../src/cli/options/grid.js'
import { expandGrid } from '../../src/train/options.js'

describe('expandGrid', () => {
  test('gives all combinations, the last option varying fastest', () => {
    expect(expandGrid({ negatives: ['in-batch', 'positives'], pull: [10, 100] })).toEqual([
      { negatives: 'in-batch', pull: 10 },
      { negatives: 'in-batch', pull: 100 },
      { negatives: 'positives', pull: 10 },
      { negatives: 'positives', pull: 100 },
    ])
    expect(expandGrid({})).toEqual([{}])
  })

  test('leaves out what means nothing to a combination, and counts equal ones once', () => {
    expect(expandGrid({ kind: ['linear', 'low-rank', 'ridge'], size: [4, 8], scale: [10] })).toEqual([
      { kind: 'linear', scale: 10 },
      { kind: 'low-rank', size: 4, scale: 10 },
      { kind: 'low-rank', size: 8, scale: 10 },
      { kind: 'ridge' },
    ])
    expect(expandGrid({ negatives: ['positives', 'hard'], hardNegatives: [2, 4] })).toEqual([
      { negatives: 'positives' },
      { negatives: 'hard', hardNegatives: 2 },
      { negatives: 'hard', hardNegatives: 4 },
    ])
  })
})

describe('parseGrid', () => {
  test('reads names in kebab or camel case and values of the options’ types', () => {
    expect(parseGrid(['batch-size=8,16', 'learningRate=1e-2', 'schedule=cosine', 'mine-every=2', 'negatives=hard'])).toEqual([
      { batchSize: 8, learningRate: 0.01, schedule: 'cosine', mineEvery: 2, negatives: 'hard' },
      { batchSize: 16, learningRate: 0.01, schedule: 'cosine', mineEvery: 2, negatives: 'hard' },
    ])
  })

  test.each<[string[], RegExp]>([
    [['pul=1'], /^--grid knows no "pul" \(did you mean pull\?\); expected one of kind, size, negatives/],
    [['metric=ndcg@10'], /^--grid knows no "metric"/],
    [['pull'], /^--grid must be NAME=VALUE,VALUE,\.\.\., found "pull"/],
    [['pull='], /must be NAME=VALUE/],
    [['pull=1,'], /pull must be a number of at least 0, found ""/],
    [['pull=ten'], /pull must be a number of at least 0, found "ten"/],
    [['pull=-1'], /pull must be a number of at least 0, found "-1"/],
    [['epochs=1.5'], /epochs must be a whole number of at least 1, found "1\.5"/],
    [['kind=linaer'], /kind must be one of .*linear.*found "linaer" \(did you mean linear\?\)/],
    [['pull=1', 'pull=2'], /gives pull twice; list its values in one, pull=A,B/],
    [['pull=1,1.0'], /gives a value of pull twice/],
  ])('refuses %j', (words, message) => {
    expect(() => parseGrid(words)).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }))
  })
})
