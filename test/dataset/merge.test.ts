import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { mergeDatasets } from '../../src/dataset/merge.js'

const set = (
  name: string,
  queries: [string, string][],
  corpus: [string, string][],
  qrels: [string, string, number][],
): QADataset => ({
  name,
  queries: new Map(queries),
  corpus: new Map(corpus),
  qrels: new Map(queries.map(([id]) => [id, new Map(qrels.filter(([q]) => q === id).map(([, d, g]) => [d, g]))])),
})

describe('mergeDatasets', () => {
  it('makes one of equal texts, keeps every judgement with its highest grade, and counts', () => {
    const a = set(
      'a',
      [['q1', 'how?']],
      [
        ['d1', 'x  y'],
        ['d2', 'caf\u00e9'],
      ],
      [
        ['q1', 'd1', 1],
        ['q1', 'd2', 0],
      ],
    )
    const b = set(
      'b',
      [
        ['q1', 'other'],
        ['q2', ' how?\n'],
      ],
      [
        ['d1', 'z'],
        ['e1', ' x y'],
        ['e2', 'cafe\u0301'],
      ],
      [
        ['q1', 'd1', 1],
        ['q2', 'e1', 3],
        ['q2', 'e2', 0],
        ['q2', 'd1', 1],
      ],
    )
    const { dataset, counts } = mergeDatasets([a, b])
    expect(dataset.name).toBe('a + b')
    expect([...dataset.queries]).toEqual([
      ['q1', 'how?'],
      ['q1-2', 'other'],
    ])
    expect([...dataset.corpus]).toEqual([
      ['d1', 'x  y'],
      ['d2', 'caf\u00e9'],
      ['d1-2', 'z'],
    ])
    expect(dataset.qrels).toEqual(
      new Map([
        [
          'q1',
          new Map([
            ['d1', 3],
            ['d2', 0],
            ['d1-2', 1],
          ]),
        ],
        ['q1-2', new Map([['d1-2', 1]])],
      ]),
    )
    expect(counts).toEqual({ queries: 1, documents: 2, judgements: 2, grades: 1, renamed: 2 })
  })

  it('does not take texts that differ in case or punctuation for one', () => {
    const a = set(
      'a',
      [
        ['q1', 'What is C?'],
        ['q2', 'what is c?'],
      ],
      [
        ['d', 'C'],
        ['e', 'C.'],
      ],
      [
        ['q1', 'd', 1],
        ['q2', 'e', 1],
      ],
    )
    const { dataset, counts } = mergeDatasets([a])
    expect([dataset.queries.size, dataset.corpus.size]).toEqual([2, 2])
    expect(counts).toEqual({ queries: 0, documents: 0, judgements: 0, grades: 0, renamed: 0 })
  })

  it('finds an id that is free, whatever the others are', () => {
    const corpus: [string, string][] = [
      ['d', 'x'],
      ['d-2', 'y'],
    ]
    const { dataset } = mergeDatasets([
      set('a', [['q', 'a']], corpus, [['q', 'd', 1]]),
      set('b', [['q', 'a']], [['d', 'z']], [['q', 'd', 1]]),
    ])
    expect([...dataset.corpus]).toEqual([...corpus, ['d-3', 'z']])
    expect([...dataset.qrels.get('q')!.keys()]).toEqual(['d', 'd-3'])
  })
})
