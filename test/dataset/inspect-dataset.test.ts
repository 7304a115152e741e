import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../src/dataset/dataset.js'
import { inspectDataset } from '../../src/dataset/inspect-dataset.js'
import { findSuspiciousQueries, type Suspicion, suspectText } from '../../src/dataset/suspicious-queries.js'

describe('a query is suspicious by its text', () => {
  it.each<[Suspicion, string[]]>([
    ['too-short', ['a', '??', 'é!', '退']],
    [
      'no-words',
      [
        'https://example.org/a?b=c',
        'www.example.org',
        'me@example.org',
        '2024-01-31',
        'INV-20931',
        'E1042',
        'd41d8cd98f00b204e9800998ecf8427e',
        '123e4567-e89b-12d3-a456-426614174000',
      ],
    ],
    [
      'preamble',
      [
        'Sure, here are three questions:',
        'Here are 3 search queries about the passage',
        'Certainly! What is the fee?',
        '1. What is the fee?',
        'Question 2: What is the fee?',
        'Q: what is the fee?',
        '- What is the fee?',
        'As an AI language model, I cannot answer',
        'I’m sorry, but I can’t help with that',
      ],
    ],
    [
      'refers-to-passage',
      [
        'What does the author say in the passage?',
        'According to the document, what is the fee?',
        'What is the fee mentioned above?',
        'Which terms are used in this excerpt?',
        'What can be learned from the provided text?',
      ],
    ],
  ])('%s', (suspicion, texts) => {
    for (const text of texts) expect(suspectText(text), text).toContain(suspicion)
  })

  it.each([
    'How do I reset my PIN?',
    'refund',
    'C++',
    'tax 2024',
    'here is my card, why is it declined?',
    'sure thing motors address',
    '退款',
    'who may sign the document?',
    'context window size',
    '3 month plan price',
    'how to escape the above-ground pool permit',
    'ISO 27001 certificate',
  ])('but not %j', text => {
    expect(suspectText(text)).toEqual([])
  })
})

const passage = 'Open the cover, then turn the small key to the left until the light is green. Close it.'
const dataset: QADataset = {
  name: 'set',
  queries: new Map([
    ['q1', 'how do I turn the small key to the left until the light shines'],
    ['q2', 'turn the small key to the left'],
    ['q3', 'CLOSE it now'],
    ['q4', 'https://example.org'],
    ['q5', 'two answers?'],
    ['q6', 'Two answers'],
  ]),
  corpus: new Map([
    ['d1', passage],
    ['d2', 'close  it NOW.'],
    ['d3', 'three'],
    ['d4', 'nobody asks'],
    ['d5', passage.replace('green', 'red')],
  ]),
  qrels: new Map([
    ['q1', new Map([['d1', 1]])],
    ['q2', new Map([['d1', 1]])],
    ['q3', new Map([['d2', 2]])],
    [
      'q4',
      new Map([
        ['d3', 1],
        ['d1', 0],
      ]),
    ],
    [
      'q5',
      new Map([
        ['d3', 1],
        ['d2', 1],
      ]),
    ],
    ['q6', new Map([['d3', 1]])],
  ]),
}

describe('findSuspiciousQueries', () => {
  it('finds a query that quotes eight words of its document or is its text', () => {
    expect([...findSuspiciousQueries(dataset)]).toEqual([
      ['quotes-document', ['q1']],
      ['is-document', ['q3']],
      ['no-words', ['q4']],
    ])
  })
})

describe('inspectDataset', () => {
  it('counts what can be counted by hand', () => {
    const facts = inspectDataset(dataset, text => text.split(' ').length)
    expect(facts).toMatchObject({
      positivesHistogram: [
        [1, 5],
        [2, 1],
      ],
      hardNegatives: 1,
      documentsWithoutQuery: { count: 2, examples: ['d4', 'd5'] },
      nearDuplicateQueries: { count: 1, examples: ['q6'] },
      suspicious: { 'is-document': { count: 1, examples: ['q3'] } },
    })
    expect(facts.queryLengths.characters).toEqual({ min: 11, p5: 11, median: 16, p95: 54, max: 62 })
    expect(facts.documentLengths).toMatchObject({
      sampled: false,
      tokens: { min: 1, max: 18 },
      totalTokens: 18 + 4 + 1 + 2 + 18,
    })
  })

  it('counts the tokens of a large data set in a sample', () => {
    const corpus = new Map(Array.from({ length: 500 }, (_, i) => [`d${i}`, `${i} ${'word '.repeat(4000)}`]))
    let counted = 0
    const facts = inspectDataset({ ...dataset, corpus, qrels: new Map() }, text => {
      counted += text.length
      return text.length / 5
    })
    expect(facts.documentLengths.sampled).toBe(true)
    expect(counted).toBeLessThan(4_100_000)
    expect(facts.documentLengths.totalTokens / (500 * 4000)).toBeCloseTo(1, 2)
  })
})
