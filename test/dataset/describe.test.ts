import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { describeDataset, overlap } from '../../src/dataset/describe.js'

const a: QADataset = {
  name: 'a',
  queries: new Map([
    ['q1', 'One two'],
    ['q2', 'one  TWO'],
    ['q3', 'three'],
    ['q4', 'one two three\tfour five'],
  ]),
  corpus: new Map([
    ['d1', 'x y z'],
    ['d2', 'x'],
    ['d3', 'X '],
    ['d4', 'never asked for'],
  ]),
  qrels: new Map([
    [
      'q1',
      new Map([
        ['d1', 1],
        ['d2', 2],
      ]),
    ],
    [
      'q2',
      new Map([
        ['d1', 1],
        ['d4', 0],
      ]),
    ],
    ['q3', new Map([['d3', 1]])],
  ]),
}

describe('describeDataset', () => {
  it('counts what can be counted by hand', () => {
    expect(describeDataset(a)).toEqual({
      queries: 4,
      documents: 4,
      pairs: 4,
      documentsWithQuery: 3,
      queryWords: { mean: 2.5, median: 2, max: 5 },
      documentWords: { mean: 2, median: 2, max: 3 },
      duplicateQueryTexts: 1,
      duplicateDocumentTexts: 1,
      positivesPerQuery: { mean: 1, max: 2 },
    })
  })

  it('has zeros for an empty data set', () => {
    const none = { mean: 0, median: 0, max: 0 }
    const empty = { name: '', queries: new Map(), corpus: new Map(), qrels: new Map() }
    expect(describeDataset(empty)).toMatchObject({
      queries: 0,
      queryWords: none,
      documentWords: none,
      positivesPerQuery: { mean: 0, max: 0 },
    })
  })
})

describe('overlap', () => {
  it('finds queries by folded text, and documents by id and by folded text where both sides ask for them', () => {
    const b: QADataset = {
      name: 'b',
      queries: new Map([
        ['x', 'ONE TWO'],
        ['y', 'other'],
      ]),
      corpus: new Map([
        ['d1', 'another text'],
        ['e', ' X'],
        ['d4', 'never asked for'],
      ]),
      qrels: new Map([
        ['x', new Map([['d1', 1]])],
        [
          'y',
          new Map([
            ['e', 1],
            ['d4', 1],
          ]),
        ],
      ]),
    }
    expect(overlap(a, b)).toEqual({ queryTexts: ['One two'], documentIds: ['d1'], documentTexts: ['x'] })
  })

  it('of a data set with itself is everything that is asked for, each text once', () => {
    expect(overlap(a, a)).toEqual({
      queryTexts: ['One two', 'three', 'one two three\tfour five'],
      documentIds: ['d1', 'd2', 'd3'],
      documentTexts: ['x y z', 'x'],
    })
  })
})
