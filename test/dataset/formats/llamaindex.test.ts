import { describe, expect, it } from 'vitest'
import { readDataset } from '../../../src/dataset/read.js'
import { failure, fileWith } from '../temporary-folder.js'

const good = {
  queries: { q1: 'first question', q2: 'second question' },
  corpus: { d1: 'first document', d2: 'second document', d3: 'never relevant' },
  relevant_docs: { q1: ['d1'], q2: ['d2', 'd1'] },
  mode: 'text',
}

const write = (data: unknown): string => fileWith(JSON.stringify(data, null, 1), 'data.json')
const problemOf = async (data: unknown): Promise<string> =>
  (await failure(() => readDataset(write(data)), 'DATASET_INVALID')).message

describe('a LlamaIndex file', () => {
  it('gives its queries, its whole corpus and grade 1 for each relevant document', async () => {
    const { dataset, skipped } = await readDataset(write(good))
    expect(skipped).toEqual([])
    expect(dataset.name).toBe('data.json')
    expect([...dataset.queries]).toEqual(Object.entries(good.queries))
    expect([...dataset.corpus]).toEqual(Object.entries(good.corpus))
    expect(dataset.qrels.get('q1')).toEqual(new Map([['d1', 1]]))
    expect([...dataset.qrels.get('q2')!]).toEqual([
      ['d2', 1],
      ['d1', 1],
    ])
  })

  it('is recognised by its content under any name, and with a UTF-8 byte order mark', async () => {
    const path = fileWith(`\uFEFF${JSON.stringify(good)}`, 'data.csv')
    expect((await readDataset(path)).dataset.queries.size).toBe(2)
  })

  it('may give grades in an object', async () => {
    const { dataset } = await readDataset(write({ ...good, relevant_docs: { q1: { d1: 2, d3: 0 }, q2: ['d2'] } }))
    expect([...dataset.qrels.get('q1')!]).toEqual([
      ['d1', 2],
      ['d3', 0],
    ])
  })

  it('may have its sections in any order and unknown keys beside them', async () => {
    const { relevant_docs, corpus, queries } = good
    const { dataset } = await readDataset(write({ made: { by: ['x'] }, relevant_docs, corpus, queries }))
    expect(dataset.queries.size).toBe(2)
  })

  it('keeps the order of ids that look like numbers and takes "__proto__" as an id', async () => {
    const text = `{"queries": {"9": "nine", "1": "one", "__proto__": "three"}, "corpus": {"2": "x", "__proto__": "y"},
      "relevant_docs": {"9": ["2"], "1": ["__proto__"], "__proto__": ["2"]}}`
    const { dataset } = await readDataset(fileWith(text))
    expect([...dataset.queries.keys()]).toEqual(['9', '1', '__proto__'])
    expect(dataset.qrels.get('1')).toEqual(new Map([['__proto__', 1]]))
  })

  it('reads escapes and characters outside the basic plane', async () => {
    const text = '{"queries":{"q":"a\\n\\u00e9\\ud83d\\ude00😀"},"corpus":{"d":"\\"\\\\\\/"},"relevant_docs":{"q":["d"]}}'
    const { dataset } = await readDataset(fileWith(text))
    expect(dataset.queries.get('q')).toBe('a\né😀😀')
    expect(dataset.corpus.get('d')).toBe('"\\/')
  })

  it('does not take a document that is named twice for a mistake', async () => {
    const { dataset } = await readDataset(write({ ...good, relevant_docs: { q1: ['d1', 'd1'], q2: ['d2'] } }))
    expect(dataset.qrels.get('q1')!.size).toBe(1)
  })
})

describe('an invalid LlamaIndex file names what is wrong, where, and what to do', () => {
  it.each([
    [
      'a document that is not in the corpus',
      { relevant_docs: { q1: ['d9'], q2: ['d2'] } },
      'query "q1" names document "d9", which is not in the corpus',
    ],
    [
      'an unknown query',
      { relevant_docs: { q1: ['d1'], q2: ['d2'], q9: ['d1'] } },
      'name query "q9", which is not among the queries',
    ],
    ['a query without entry', { relevant_docs: { q1: ['d1'] } }, 'query "q2" has no relevant document, expected at least one'],
    ['a query with an empty list', { relevant_docs: { q1: ['d1'], q2: [] } }, 'query "q2" has no relevant document'],
    ['a query with grade 0 only', { relevant_docs: { q1: ['d1'], q2: { d1: 0 } } }, 'query "q2" has only documents of grade 0'],
    ['an empty query', { queries: { q1: '', q2: 'x' } }, 'the text of query "q1" is empty'],
    ['a white query', { queries: { q1: ' \n\t\u00a0', q2: 'x' } }, 'the text of query "q1" has no visible character'],
    ['an invisible document', { corpus: { d1: '\u200b\u0000', d2: 'x' } }, 'the text of document "d1" has no visible character'],
    ['a numeric text', { corpus: { d1: 7, d2: 'x' } }, 'the text of document "d1" is the number 7, expected a string'],
    ['a null text', { corpus: { d1: null, d2: 'x' } }, 'the text of document "d1" is null, expected a string'],
    ['an object as text', { corpus: { d1: { text: 'x' }, d2: 'x' } }, 'the text of document "d1" is an object'],
    ['a lone surrogate', { corpus: { d1: 'ab\ud83d', d2: 'x' } }, 'half of a surrogate pair (\\ud83d at character 3)'],
    ['a grade in quotes', { relevant_docs: { q1: { d1: '1' }, q2: ['d2'] } }, 'is "1", expected a number'],
    [
      'a bare document id',
      { relevant_docs: { q1: 'd1', q2: ['d2'] } },
      'the relevant_docs of query "q1" are "d1", expected a list of document ids',
    ],
    ['a document id that is null', { relevant_docs: { q1: [null], q2: ['d2'] } }, 'query "q1" names as document null'],
    ['an empty id', { queries: { '': 'x', q1: 'x', q2: 'x' } }, 'the id of a query is "", expected a string that is not empty'],
  ])('%s', async (_, change, problem) => {
    const message = await problemOf({ ...good, ...change })
    expect(message).toContain(problem)
    expect(message).toMatch(/data\.json:\d+: .*skipInvalid: true/)
    expect(message).not.toContain('more problem')
  })

  it.each([
    [
      'queries',
      '{"queries":{"q":"a",\n"q":"b"},"corpus":{"d":"x"},"relevant_docs":{"q":["d"]}}',
      ':2: query "q" is given again (first in line 1)',
    ],
    [
      'corpus',
      '{"queries":{"q":"a"},"corpus":{"d":"x",\n\n"d":"x"},"relevant_docs":{"q":["d"]}}',
      ':3: document "d" is given again (first in line 1)',
    ],
    [
      'relevant_docs',
      '{"queries":{"q":"a"},"corpus":{"d":"x"},"relevant_docs":{"q":["d"],\n"q":[]}}',
      ':2: relevant_docs names query "q" again',
    ],
    [
      'an escaped key',
      '{"queries":{"q":"a","\\u0071":"b"},"corpus":{"d":"x"},"relevant_docs":{"q":["d"]}}',
      'query "q" is given again',
    ],
    [
      'grades',
      '{"queries":{"q":"a"},"corpus":{"d":"x"},"relevant_docs":{"q":{"d":1,"d":2}}}',
      'judged twice, with grade 1 and with grade 2',
    ],
    [
      'a whole section',
      '{"queries":{"q":"a"},\n"queries":{"q":"b"},"corpus":{"d":"x"},"relevant_docs":{"q":["d"]}}',
      ':2: the key "queries" is given twice',
    ],
  ])('a key that is repeated in %s, which JSON.parse would not notice', async (_, text, problem) => {
    expect((await failure(() => readDataset(fileWith(text)), 'DATASET_INVALID')).message).toContain(problem)
  })

  it.each([
    ['a section that is missing', { queries: {}, corpus: {} }, 'has no "relevant_docs"; found the keys "queries", "corpus"'],
    ['a section that is a list', { ...good, corpus: ['x'] }, '"corpus" is an array, expected an object'],
    [
      'nothing in it',
      { queries: {}, corpus: {}, relevant_docs: {} },
      'nothing usable: found no query with a relevant document, and 0 documents',
    ],
  ])('%s, even with skipInvalid', async (_, data, problem) => {
    const error = await failure(() => readDataset(write(data), { skipInvalid: true }), 'DATASET_INVALID')
    expect(error.message).toContain(problem)
  })

  it('states the first of several problems and counts the others, without those that follow from it', async () => {
    const message = await problemOf({
      queries: { q1: 'x', q2: 'y', q3: ' ' },
      corpus: { d1: '', d2: 'x' },
      relevant_docs: { q1: ['d1'], q2: ['d2', 'd8'], q3: ['d2'] },
    })
    expect(message).toContain('the text of query "q3" has no visible character (and 2 more problems)')
  })

  it('has the file, line, id and count in its details', async () => {
    const path = write({ ...good, relevant_docs: { q1: ['d9'], q2: ['d2'] } })
    const error = await failure(() => readDataset(path), 'DATASET_INVALID')
    expect(error.details).toEqual({ file: path, line: 12, id: 'q1', problems: 1 })
  })

  it('shortens a long id and escapes its control characters', async () => {
    const message = await problemOf({ ...good, relevant_docs: { q1: [`a\u001b[31m${'x'.repeat(500)}`], q2: ['d2'] } })
    expect(message).toContain('"a\\u001b[31mxxx')
    expect(message.length).toBeLessThan(500)
  })
})

describe('with skipInvalid a LlamaIndex file', () => {
  it('loses each invalid entry and what hangs on it, and lists them all', async () => {
    const path = write({
      queries: { q1: 'x', q2: 'y', q3: ' ', q4: 'z' },
      corpus: { d1: '', d2: 'x' },
      relevant_docs: { q1: ['d1'], q2: ['d2', 'd8'], q3: ['d2'], q9: ['d2'] },
    })
    const { dataset, skipped } = await readDataset(path, { skipInvalid: true })
    expect([...dataset.queries]).toEqual([['q2', 'y']])
    expect([...dataset.corpus]).toEqual([['d2', 'x']])
    expect([...dataset.qrels]).toEqual([['q2', new Map([['d2', 1]])]])
    expect(skipped.map(({ id, problem }) => `${id}: ${problem}`)).toEqual([
      'q3: the text of query "q3" has no visible character',
      'd1: the text of document "d1" is empty',
      'q1: query "q1" names document "d1", which was left out',
      'q2: query "q2" names document "d8", which is not in the corpus',
      'q3: query "q3" was left out, and so is its judgement',
      'q9: the judgements name query "q9", which is not among the queries',
      'q1: query "q1" has no relevant document left',
      'q4: query "q4" has no relevant document, expected at least one above 0',
    ])
    expect(skipped.every(issue => issue.file === path && issue.line! > 1)).toBe(true)
  })

  it('keeps the first of two entries with one id', async () => {
    const text = '{"queries":{"q":"a","q":"b"},"corpus":{"d":"x","d":"y"},"relevant_docs":{"q":["d"],"q":["e"]}}'
    const { dataset, skipped } = await readDataset(fileWith(text), { skipInvalid: true })
    expect([dataset.queries.get('q'), dataset.corpus.get('d'), skipped.length]).toEqual(['a', 'x', 3])
  })

  it('fails when nothing usable remains, and says why', async () => {
    const path = write({ ...good, corpus: {} })
    const { message } = await failure(() => readDataset(path, { skipInvalid: true }), 'DATASET_INVALID')
    expect(message).toMatch(/nothing usable: .* 0 documents\. 5 invalid entries were left out, the first: .*"d1"/)
  })
})
