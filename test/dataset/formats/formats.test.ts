import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../../src/dataset/dataset.js'
import { hashDataset } from '../../../src/dataset/hash.js'
import { type ReadDatasetOptions, readDataset } from '../../../src/dataset/read.js'
import { failure, fileWith, folderWith } from '../temporary-folder.js'

const jsonl = (...values: unknown[]) => values.map(value => JSON.stringify(value)).join('\n')
const read = async (text: string, options?: ReadDatasetOptions) => (await readDataset(fileWith(text), options)).dataset
const invalid = async (text: string, options?: ReadDatasetOptions) =>
  (await failure(() => readDataset(fileWith(text), options), 'DATASET_INVALID')).message

/** query -> document -> grade, all as texts */
const judged = ({ queries, corpus, qrels }: QADataset) =>
  Object.fromEntries(
    [...qrels].map(([query, documents]) => [
      queries.get(query)!,
      Object.fromEntries([...documents].map(([id, grade]) => [corpus.get(id)!, grade])),
    ]),
  )

describe('pairs and triplets of sentence-transformers', () => {
  const expected = { a: { p: 1, n: 0, m: 0 }, b: { q: 1 } }
  it.each([
    [
      'anchor and positive, JSON Lines',
      jsonl({ anchor: 'a', positive: 'p', negative_1: 'n', negative_2: 'm' }, { anchor: 'b', positive: 'q' }),
    ],
    [
      'query, pos and neg, JSON Lines',
      jsonl({ query: 'a', pos: ['p'], neg: ['n', 'm'], pos_scores: [1] }, { query: 'b', pos: 'q', neg: null }),
    ],
    [
      'a JSON array',
      JSON.stringify([
        { anchor: 'a', positive: 'p', negative: ['n', 'm'] },
        { anchor: 'b', positive: 'q' },
      ]),
    ],
    ['lines of arrays', jsonl(['a', 'p', 'n'], ['a', 'p', 'm'], ['b', 'q'])],
    [
      'an array of arrays',
      JSON.stringify(
        [
          ['a', 'p', 'n', 'm'],
          ['b', 'q'],
        ],
        null,
        2,
      ),
    ],
    ['CSV', 'anchor,positive,negative\na,p,n\na,p,"m"\nb,q,\n'],
    ['TSV', 'query\tpositive\tnegative_1\tnegative_2\na\tp\tn\tm\nb\tq\t\t\n'],
  ])('are recognised and read: %s', async (_, text) => {
    const dataset = await read(text)
    expect(judged(dataset)).toEqual(expected)
    expect(hashDataset(dataset)).toBe(hashDataset(await read(text, { format: 'triplets' })))
  })

  it('keep a text that is positive in one entry and negative in another as positive, and say so', async () => {
    const path = fileWith(jsonl(['a', 'p', 'n'], ['a', 'n', 'p'], ['b', 'n', 'p']))
    const { dataset, notes } = await readDataset(path)
    expect(judged(dataset)).toEqual({ a: { p: 1, n: 1 }, b: { n: 1, p: 0 } })
    expect(notes).toEqual(['2 judgements of a pair that has another grade too: the highest is kept'])
  })

  it.each([
    ['no positive', { anchor: 'b', negative: 'n' }, ':2: has no positive, expected "positive" or "pos"'],
    ['an empty list', { query: 'b', pos: [] }, ':2: has no positive'],
    ['no anchor', { positive: 'p' }, ':2: has no anchor'],
    ['a number as positive', { anchor: 'b', positive: [7] }, ':2: the positive is the number 7, expected a string'],
    ['an empty negative', { query: 'b', pos: 'q', neg: ['n', ' '] }, ':2: the neg has no visible character'],
    ['a number as anchor', { anchor: 7, positive: 'p' }, ':2: the anchor is the number 7'],
    ['an array of one', ['b'], ':2: is an array of 1, expected an anchor, a positive and negatives'],
    ['a score', ['b', 'c', 0.5], ':2: element 3 is the number 0.5, expected a string'],
    ['another value', 7, ':2: is the number 7'],
  ])('name line and field of an entry with %s, and lose it with skipInvalid', async (_, entry, problem) => {
    const text = jsonl({ anchor: 'a', positive: 'p' }, entry, { anchor: 'z', positive: 'y' })
    expect(await invalid(text)).toContain(problem)
    const { dataset, skipped } = await readDataset(fileWith(text), { skipInvalid: true })
    expect(judged(dataset)).toMatchObject({ a: { p: 1 }, z: { y: 1 } })
    expect(skipped[0].line).toBe(2)
  })

  it('name the line of broken JSON', async () => {
    expect(await invalid('["a","p"]\n["b","q"\n')).toContain(':2: is not JSON: column 9')
  })
})

describe('SQuAD', () => {
  const paragraph = (context: unknown, ...qas: unknown[]) => ({ context, qas })
  const file = (...paragraphs: unknown[]) => JSON.stringify({ version: 'v2.0', data: [{ title: 'T', paragraphs }] })
  const one = paragraph('c', { id: '1', question: 'a', answers: [{ text: 'c', answer_start: 0 }] })

  it('gives contexts as documents, its ids as ids, and leaves impossible questions out with a note', async () => {
    const path = fileWith(
      file(
        one,
        paragraph('d', { id: 2, question: 'b', is_impossible: false }, { id: '3', question: 'x', is_impossible: true }),
        paragraph('only impossible', { id: '4', question: 'y', answers: [], is_impossible: true }),
        paragraph('c', { id: '5', question: 'e', answers: [] }),
      ),
    )
    const { dataset, notes, skipped } = await readDataset(path)
    expect(judged(dataset)).toEqual({ a: { c: 1 }, b: { d: 1 }, e: { c: 1 } })
    expect([...dataset.queries.keys()]).toEqual(['1', '2', '5'])
    expect([...dataset.corpus.values()]).toEqual(['c', 'd', 'only impossible'])
    expect(notes).toEqual(['2 questions that their context does not answer (is_impossible) left out'])
    expect(skipped).toEqual([])
  })

  it.each([
    ['no question', paragraph('d', { id: '2' }), 'data[0].paragraphs[1].qas[0].question is missing, expected a string'],
    ['an empty question', paragraph('d', { id: '2', question: '' }), 'qas[0].question is empty'],
    ['an empty context', paragraph(' ', { id: '2', question: 'b' }), 'paragraphs[1].context has no visible character'],
    ['no context', { qas: [] }, 'data[0].paragraphs[1].context is missing, expected a string'],
    ['no questions', { context: 'd' }, 'data[0].paragraphs[1].qas is missing, expected a list'],
    ['an id twice', paragraph('d', { id: '1', question: 'b' }), 'qas[0].id "1" is given again'],
    ['a text', 'x', 'data[0].paragraphs[1].context is missing'],
  ])('names the place of a paragraph with %s', async (_, wrong, problem) => {
    const text = file(one, wrong)
    expect(await invalid(text)).toContain(`:1: ${problem.startsWith('data') ? problem : ''}`)
    expect(await invalid(text)).toContain(problem)
    const { dataset, skipped } = await readDataset(fileWith(text), { skipInvalid: true })
    expect(judged(dataset)).toMatchObject({ a: { c: 1 } })
    expect(skipped.length).toBeGreaterThan(0)
  })

  it('without articles is invalid', async () => {
    expect(await invalid('{"data": [], "x": "paragraphs"}', { format: 'squad' })).toContain('has no articles')
    expect(await invalid('{"data": {}}', { format: 'squad' })).toContain('"data" is an object, expected a list')
  })
})

describe('a search log', () => {
  const docs = { a: 'document a', b: 'document b', c: 'document c', d: 'document d' }
  const text = (id: keyof typeof docs) => docs[id]
  const log = (map: (id: keyof typeof docs) => string) => [
    { query: 'how', clicked: [map('b')], shown: [map('a'), map('b'), map('c')] },
    { query: ' HOW ', clicked: map('b'), shown: [map('b'), map('c'), map('d')] },
    { query: 'how', clicked: [map('d'), map('b')] },
    { query: 'why', clicked: [], shown: [map('a')] },
  ]
  const expected = { how: { 'document a': 0, 'document b': 3, 'document d': 1 } }

  it('sums clicks of equal queries as grades; what was shown above a click and never clicked is not relevant', async () => {
    const { dataset, notes } = await readDataset(fileWith(jsonl(...log(text))))
    expect(judged(dataset)).toEqual(expected)
    expect(new Set(dataset.corpus.values())).toEqual(new Set(Object.values(docs)))
    expect(notes).toEqual(['1 queries without a document of 1 or more clicks left out'])
  })

  it('with ids takes the documents from a corpus file, all of them', async () => {
    const rows = Object.entries(docs)
    for (const corpus of [
      jsonl(...rows.map(([id, t]) => ({ id, text: t }))),
      jsonl(...rows.map(([_id, t]) => ({ _id, title: 'document', text: t.slice(9) }))),
      JSON.stringify(rows.map(([document_id, document]) => ({ document_id, document }))),
      `id,text\n${rows.map(row => row.join(',')).join('\n')}`,
      `doc_id\tdocument\n${rows.map(row => row.join('\t')).join('\n')}`,
    ]) {
      const folder = folderWith({ log: jsonl(...log(id => id)), corpus })
      const { dataset } = await readDataset(join(folder, 'log'), { corpus: join(folder, 'corpus') })
      expect(judged(dataset)).toEqual(expected)
      expect([...dataset.corpus]).toEqual(rows)
    }
  })

  it('as a table has lists as JSON and may have counts of clicks', async () => {
    const csv = `query,clicked,shown,clicks\nhow,document b,"[""document a"",""document b""]",5\nhow,document b,,\n`
    expect(judged(await read(csv))).toEqual({ how: { 'document a': 0, 'document b': 6 } })
  })

  it('leaves out what has too few clicks, and neither counts it as relevant nor as not relevant', async () => {
    const { dataset, notes } = await readDataset(fileWith(jsonl(...log(text))), { minClicks: 2 })
    expect(judged(dataset)).toEqual({ how: { 'document a': 0, 'document b': 3 } })
    expect(notes[0]).toBe('1 pairs of a query and a document with fewer than 2 clicks left out')
    expect(await invalid(jsonl(...log(text)), { minClicks: 9 })).toContain('nothing usable')
  })

  it('with ids and without their texts is refused, as is an id that the corpus does not have', async () => {
    expect(await invalid(jsonl(...log(id => id)))).toContain('"clicked" holds ids (such as "b"), expected texts. Give the')
    const folder = folderWith({ log: jsonl({ query: 'q', clicked: 'z' }), corpus: jsonl({ id: 'a', text: 'x' }) })
    const { message } = await failure(
      () => readDataset(join(folder, 'log'), { corpus: join(folder, 'corpus') }),
      'DATASET_INVALID',
    )
    expect(message).toContain('names document "z", which is not in the corpus')
  })

  it.each([
    [{ query: 'q', clicked: { a: 1 } }, '"clicked" is an object, expected a document or a list of them'],
    [{ query: 'q', clicked: 'a b', shown: 'a b', clicks: -1 }, '"clicks" is the number -1, expected a whole number'],
    [{ query: '', clicked: 'a b' }, 'the query is empty'],
    [{ query: 'q', clicked: 'a b', shown: [null] }, '"shown" is an array, expected a list of documents'],
  ])('names the line of the entry %j', async (entry, problem) => {
    expect(await invalid(jsonl({ query: 'x', clicked: 'y z' }, entry))).toContain(`:2: ${problem}`)
  })

  it.each([
    ['{"id":"a"}', ':1: the text of document "a" is missing, expected "document" or "text"'],
    ['{"text":"a"}', ':1: the id is missing, expected "document_id" or "id"'],
    ['{"id":"a","text":"x"}\n{"id":"a","text":"y"}', ':2: document "a" is given again'],
    ['a,b\n1,2', ':1: the header has "a", "b", expected "id" and "text"'],
  ])('names what is wrong in the corpus %j', async (corpus, problem) => {
    const folder = folderWith({ log: jsonl({ query: 'q', clicked: 'a' }), corpus })
    const { message } = await failure(
      () => readDataset(join(folder, 'log'), { corpus: join(folder, 'corpus') }),
      'DATASET_INVALID',
    )
    expect(message).toContain(problem)
  })
})

describe('tab-separated values', () => {
  it('take a quote for a character like any other, unless it stands around a cell', async () => {
    const text = 'query\tdocument\na 5" pipe\tsay "x" or "y"\n"b ""q"" c"\t"two\nlines"\n"d" e\tf\n'
    expect([...(await read(text)).queries.values()]).toEqual(['a 5" pipe', 'b "q" c', '"d" e'])
    expect([...(await read(text)).corpus.values()]).toEqual(['say "x" or "y"', 'two\nlines', 'f'])
  })

  it('are told from CSV by the header alone', async () => {
    const text = 'query\tdocument\na, b; c\td\n'
    expect(judged(await read(text))).toEqual({ 'a, b; c': { d: 1 } })
    expect(await invalid('query\tdocument\na\tb\tc\n')).toContain(':2: has 3 columns, expected 2')
  })
})

describe("fields by the user's own names", () => {
  const fields = { query: 'Question', document: 'Answer', grade: 'stars', negative: 'wrong', query_id: 'nr' }
  const expected = { a: { x: 2, y: 0 }, b: { z: 1 } }
  it.each([
    ['CSV', 'NR,question,ANSWER,stars,wrong,id\n1,a,x,2,y,9\n2,b,z,,,9\n'],
    ['CSV with semicolons', 'nr;question;answer;stars;wrong\n1;a;x;2;y\n2;b;z;;\n'],
    ['TSV', 'nr\tquestion\tanswer\tstars\twrong\n1\ta\tx\t2\ty\n2\tb\tz\t\t\n'],
    ['JSON Lines', jsonl({ nr: 1, Question: 'a', Answer: 'x', stars: 2, wrong: ['y'] }, { nr: 2, Question: 'b', Answer: 'z' })],
    [
      'a JSON array',
      JSON.stringify([
        { nr: 1, Question: 'a', Answer: 'x', stars: 2, wrong: 'y' },
        { nr: 2, Question: 'b', Answer: 'z', text: 'ignored' },
      ]),
    ],
  ])('are read from %s', async (_, text) => {
    const dataset = await read(text, { fields })
    expect(judged(dataset)).toEqual(expected)
    expect([...dataset.queries.keys()]).toEqual(['1', '2'])
  })

  it('that are not there are named', async () => {
    expect(await invalid('question,answer\na,x\n', { fields: { query: 'question', document: 'reply' } })).toContain(
      'has the columns "question", "answer", expected "reply" too, as asked for',
    )
    expect(await invalid(jsonl({ q: 'a' }), { fields: { query: 'q', document: 'reply' } })).toContain('has no document')
  })

  it('are refused for a format that has its own', async () => {
    const path = fileWith('["a","p"]')
    const { message } = await failure(() => readDataset(path, { format: 'triplets', fields: { query: 'x' } }), 'USAGE')
    expect(message).toContain('only json, jsonl, csv and tsv have such fields')
    await failure(() => readDataset(path, { minClicks: 2 }), 'USAGE')
  })
})

describe('a file that fits two formats', () => {
  it.each([
    ['a record and a triplet', { query: 'a', document: 'x', positive: 'p' }, 'triplets', 'jsonl'],
    ['a record and a search log', { query: 'a', document: 'x', clicked: 'some document' }, 'search-log', 'jsonl'],
    ['a triplet and a search log', { query: 'a', pos: ['p'], clicked: 'some document' }, 'triplets', 'search-log'],
  ] as const)('is refused with the choices, and read as the one that is named: %s', async (_, entry, first, second) => {
    const path = fileWith(jsonl(entry))
    const { message, details } = await failure(() => readDataset(path), 'DATASET_FORMAT')
    expect(message).toContain('can be read in several ways. Name one of:')
    expect(details.formats).toEqual([first, second])
    for (const format of [first, second]) {
      const { dataset } = await readDataset(path, {
        format,
        ...(format === 'jsonl' ? { fields: { query: 'query' } } : {}),
      })
      expect(dataset.queries.size).toBe(1)
    }
  })
})

describe('a pair that is judged twice', () => {
  it('keeps its highest grade where that is asked for', async () => {
    const path = fileWith('query,document,grade\na,x,1\na,x,3\na,x,2\n')
    await failure(() => readDataset(path), 'DATASET_INVALID')
    const { dataset, notes } = await readDataset(path, { keepHighest: true })
    expect(judged(dataset)).toEqual({ a: { x: 3 } })
    expect(notes).toHaveLength(1)
  })
})
