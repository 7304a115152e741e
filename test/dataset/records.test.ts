import { describe, expect, it } from 'vitest'
import { hashDataset } from '../../src/dataset/hash.js'
import { readDataset } from '../../src/dataset/read.js'
import { failure, fileWith } from './temporary-folder.js'

const lines = (...records: unknown[]): string => records.map(record => JSON.stringify(record)).join('\n')
const readLines = async (...records: unknown[]) => (await readDataset(fileWith(lines(...records)))).dataset
const invalid = async (text: string): Promise<string> =>
  (await failure(() => readDataset(fileWith(text, 'data.txt')), 'DATASET_INVALID')).message

describe('JSON Lines', () => {
  it('are pairs of a query and a document', async () => {
    const dataset = await readLines({ query: 'a', document: 'x' }, { query: 'b', document: 'y' })
    expect([...dataset.queries.values()]).toEqual(['a', 'b'])
    expect([...dataset.corpus.values()]).toEqual(['x', 'y'])
    expect([...dataset.qrels.values()].map(judged => [...judged.values()])).toEqual([[1], [1]])
  })

  it('make one query of equal texts and one document of equal texts', async () => {
    const dataset = await readLines(
      { query: 'a', document: 'x' },
      { query: 'a', document: 'y' },
      { query: 'b', document: 'x' },
      { query: 'b', document: 'x' },
    )
    expect([dataset.queries.size, dataset.corpus.size]).toEqual([2, 2])
    expect([...dataset.qrels.values()].map(judged => judged.size)).toEqual([2, 1])
  })

  it('without ids get ids that depend on the text alone, not on the place', async () => {
    const a = await readLines({ query: 'a', document: 'x' }, { query: 'b', document: 'y' })
    const b = await readLines({ query: 'b', document: 'y' }, { query: 'a', document: 'x' })
    expect(hashDataset(a)).toBe(hashDataset(b))
    expect([...a.queries.keys()][0]).toMatch(/^q-[0-9a-f]{16}$/)
    expect([...a.corpus.keys()][0]).toMatch(/^d-[0-9a-f]{16}$/)
  })

  it('keep ids and grades that are given, whole numbers too', async () => {
    const dataset = await readLines({ query_id: 7, query: 'a', document_id: 'd', document: 'x', grade: 2.5 })
    expect([...dataset.queries, ...dataset.corpus]).toEqual([
      ['7', 'a'],
      ['d', 'x'],
    ])
    expect(dataset.qrels).toEqual(new Map([['7', new Map([['d', 2.5]])]]))
  })

  it('give a text without id the id that an earlier equal text has', async () => {
    const dataset = await readLines(
      { query_id: 'q', query: 'a', document_id: 'd', document: 'x' },
      { query: 'a', document: 'y' },
      { query: 'b', document: 'x' },
    )
    expect([dataset.queries.size, dataset.corpus.size]).toEqual([2, 2])
    expect(dataset.qrels.get('q')!.size).toBe(2)
  })

  it('may name a document or query of another line, before or after, by its id', async () => {
    const dataset = await readLines(
      { query: 'a', document_id: 'd' },
      { document: 'x', document_id: 'd' },
      { query_id: 'q', query: 'b', document_id: 'd' },
      { query_id: 'q', document: 'y' },
    )
    expect([dataset.queries.size, dataset.corpus.size, dataset.qrels.get('q')!.size]).toEqual([2, 2, 2])
  })

  it('add a document without a query to the corpus', async () => {
    const dataset = await readLines({ query: 'a', document: 'x' }, { document: 'y' }, { query: null, document: 'z' })
    expect([...dataset.corpus.values()]).toEqual(['x', 'y', 'z'])
    expect(dataset.queries.size).toBe(1)
  })

  it('judge with grade 0 that a document is not relevant', async () => {
    const dataset = await readLines({ query: 'a', document: 'x' }, { query: 'a', document: 'y', grade: 0 })
    expect([...[...dataset.qrels.values()][0].values()]).toEqual([1, 0])
  })

  it('may end in CRLF, have blank lines and further fields', async () => {
    const text = '\r\n{"query":"a","document":"x","page":3,"__proto__":{"grade":9}}\r\n\r\n{"query":"b","document":"y"}\r\n'
    const { dataset } = await readDataset(fileWith(text))
    expect([dataset.queries.size, [...dataset.qrels.values()][0].values().next().value]).toEqual([2, 1])
  })

  it('may be longer than what is read at once', async () => {
    const long = 'é'.repeat(400_000)
    const dataset = await readLines(...['a', 'b', 'c'].map(query => ({ query, document: long + query })))
    expect([...dataset.corpus.values()]).toEqual(['a', 'b', 'c'].map(query => long + query))
  })

  it('keep U+2028, which is no line break in JSON', async () => {
    expect([...(await readLines({ query: 'a\u2028b', document: 'x' })).queries.values()]).toEqual(['a\u2028b'])
  })
})

describe('an invalid line', () => {
  const good = '{"query":"a","document":"x"}'
  it.each([
    ['is no JSON', '{"query":"a" "document":"x"}', `:2: is not JSON: column 14: expected ',' or '}', found "\\""`],
    ['is cut off', '{"query":"a","docum', ':2: is not JSON: column 20: '],
    ['ends in a comma', `${good},`, ':2: is not JSON: column 29: expected the end, found ","'],
    ['is an array', '["a","x"]', ':2: is an array, expected an object with "query" and "document"'],
    ['is a text', '"a"', ':2: is "a", expected an object'],
    ['has no document', '{"query":"b"}', ':2: has no document'],
    ['has a null document', '{"query":"b","document":null}', ':2: has no document'],
    ['has nothing', '{}', ':2: has no document'],
    ['has only a document id', '{"document_id":"d"}', ':2: has only a document_id'],
    ['has an empty query', '{"query":"","document":"x"}', ':2: the query is empty'],
    ['has a white document', '{"query":"b","document":" "}', ':2: the document has no visible character'],
    ['has a numeric query', '{"query":7,"document":"x"}', ':2: the query is the number 7, expected a string'],
    ['has a list of documents', '{"query":"b","document":["x"]}', ':2: the document is an array, expected a string'],
    ['has a lone surrogate', '{"query":"b\\udc00","document":"x"}', ':2: the query holds half of a surrogate pair'],
    ['has an empty id', '{"query":"b","query_id":"","document":"x"}', ':2: query_id is "", expected'],
    ['has an id that is no string', '{"query":"b","document_id":1.5,"document":"x"}', ':2: document_id is the number 1.5'],
    ['has a grade in words', '{"query":"b","document":"x","grade":"high"}', ':2: the grade is "high"'],
    ['has an infinite grade', '{"query":"b","document":"x","grade":1e999}', ':2: the grade is the number Infinity'],
    ['has a boolean grade', '{"query":"b","document":"x","grade":true}', ':2: the grade is the boolean true'],
    ['has a key twice', '{"query":"b","document":"x","query":"c"}', ':2: has the key "query" twice'],
    ['names an unknown document', '{"query":"b","document_id":"d9"}', 'names document "d9", which is not in the corpus'],
    ['names an unknown query', '{"query_id":"q9","document":"x"}', 'the judgements name query "q9"'],
    ['has a query that is only judged 0', '{"query":"b","document":"x","grade":0}', 'has only documents of grade 0'],
  ])('that %s is named, and left out with skipInvalid', async (_, line, problem) => {
    const text = `${good}\n${line}\n{"query":"z","document":"zz"}`
    expect(await invalid(text)).toContain(problem)
    const { dataset, skipped } = await readDataset(fileWith(text), { skipInvalid: true })
    expect([...dataset.queries.values()]).toEqual(['a', 'z'])
    expect(new Set(skipped.map(({ line }) => line))).toEqual(new Set([2]))
  })

  it('does not hide the format when it is the first', async () => {
    const { dataset, skipped } = await readDataset(fileWith(`oops\n${good}`), { skipInvalid: true })
    expect([dataset.queries.size, skipped[0].problem]).toEqual([1, 'is not JSON: column 1: expected a value, found "oops"'])
  })

  it('has another text under an id that is taken', async () => {
    const first = { query_id: 'q', query: 'a', document_id: 'd', document: 'x' }
    expect(await invalid(lines(first, { ...first, document: 'y' }))).toContain(
      ':2: document_id "d" has the text "y", earlier it had "x"',
    )
    expect(await invalid(lines(first, { ...first, query: 'b' }))).toContain(':2: query_id "q" has the text "b"')
    expect((await readLines(first, first)).queries.size).toBe(1)
  })

  it('grades a pair otherwise than an earlier line', async () => {
    const pair = { query: 'a', document: 'x' }
    expect(await invalid(lines(pair, { ...pair, grade: 2 }))).toContain('judged twice, with grade 1 and with grade 2')
  })

  it.each([
    ['question', 'query', { question: 'a', document: 'x' }],
    ['answer', 'document', { query: 'a', answer: 'x' }],
    ['Query', 'query', { Query: 'a', document: 'x' }],
    ['doc_id', 'document_id', { query: 'a', document: 'x', doc_id: 'd' }],
    ['score', 'grade', { query: 'a', document: 'x', score: 0 }],
  ])('that says %s for %s is not taken for one without it', async (found, expected, record) => {
    expect(await invalid(lines(record))).toContain(`has "${found}" but no "${expected}". Rename it to "${expected}"`)
  })

  it('is counted with all others', async () => {
    expect(await invalid(`${good}\n{\n{\n{`)).toContain('(and 2 more problems). Fix it, or use skipInvalid: true')
    expect(await invalid(`${good}\n{\n{`)).toContain('(and 1 more problem). ')
  })
})

describe('a JSON array', () => {
  it('holds the same records', async () => {
    const records = [{ query: 'a', document: 'x', grade: 2 }, { document: 'y' }]
    const { dataset } = await readDataset(fileWith(JSON.stringify(records, null, 2)))
    expect(hashDataset(dataset)).toBe(hashDataset(await readLines(...records)))
  })

  it('reports the line of an element', async () => {
    expect(await invalid('[\n{"query":"a","document":"x"},\n 7,\n{"query":"","document":"x"}]')).toContain(
      ':3: is the number 7, expected an object with "query" and "document" (and 1 more problem)',
    )
  })

  it('reports where it is broken', async () => {
    expect(await invalid('[\n{"query":"a","document":"x"}\n{}]')).toContain(":3: is not JSON: column 1: expected ',' or ']'")
  })

  it('is not enough when it is empty', async () => {
    expect(await invalid('[]')).toContain('nothing usable')
  })
})

describe('CSV', () => {
  const rows = [
    ['query', 'document', 'document_id', 'query_id', 'grade'],
    ['a', 'x', 'd', 'q', '2'],
    ['b', 'y', '', '', ''],
  ]

  it.each([[','], [';'], ['\t']])('is read whatever its delimiter: %j', async delimiter => {
    const { dataset } = await readDataset(fileWith(rows.map(row => row.join(delimiter)).join('\r\n')))
    const same = await readLines(
      { query: 'a', document: 'x', document_id: 'd', query_id: 'q', grade: 2 },
      { query: 'b', document: 'y' },
    )
    expect(hashDataset(dataset)).toBe(hashDataset(same))
  })

  it('may quote, also the header, with line breaks, delimiters and quotes in a text', async () => {
    const text = '\uFEFF"Query"," document",page\n"a, ""b""\r\nc",x;y,1\n\n"d","e",2'
    const { dataset } = await readDataset(fileWith(text))
    expect([...dataset.queries.values()]).toEqual(['a, "b"\r\nc', 'd'])
    expect([...dataset.corpus.values()]).toEqual(['x;y', 'e'])
  })

  it.each([
    ['an empty query', '\n,x', ':4: the query is empty'],
    ['a white document', '\nb," "', ':4: the document has no visible character'],
    ['too few columns', '\nb', ':4: has 1 columns, expected 2 as in the header'],
    ['too many columns', '\nb,x,y', ':4: has 3 columns, expected 2'],
    ['a quote inside a field', '\nb "c" d,x', ':4: is not CSV: a quote stands inside a field'],
    ['text after a quote', '\n"b" c,x', ':4: is not CSV: a quote stands inside a field'],
  ])('with %s is invalid at the line where the row starts, and loses it with skipInvalid', async (_, row, problem) => {
    const text = `query,document\n"a\nb",x${row}\nz,zz\n`
    expect(await invalid(text)).toContain(problem)
    const { dataset, skipped } = await readDataset(fileWith(text), { skipInvalid: true })
    expect([...dataset.queries.values()]).toEqual(['a\nb', 'z'])
    expect(skipped.map(({ line }) => line)).toEqual([4])
  })

  it('counts lines well after rows of several lines and blank lines', async () => {
    expect(await invalid('query,document\n"a\n\n1",x\n\n"b\r\n2",y\n"c\n3"," "\n')).toContain(':8: the document has no')
  })

  it.each([['high'], ['1e3'], ['0x1'], ['NaN'], ['Infinity']])('refuses the grade %s', async grade => {
    expect(await invalid(`query,document,grade\na,x,${grade}`)).toContain(':2: the grade is')
  })

  it('with a quote that is never closed is invalid as a whole', async () => {
    const path = fileWith('query,document\na,x\n"b,y\nc,z\n')
    const { message } = await failure(() => readDataset(path, { skipInvalid: true }), 'DATASET_INVALID')
    expect(message).toContain('data:3: is not CSV: a quote is opened in this row and never closed. Close it.')
  })

  it.each([
    [
      'no document',
      'query,answer',
      'the header has the columns "query", "answer", expected "query" and "document". Rename "answer" to "document".',
    ],
    ['no query', 'document,page', 'expected "query" and "document"'],
    ['a column twice', 'query,document,query', 'the header has the column "query" twice'],
  ])('has to have a header: %s', async (_, header, problem) => {
    expect(await invalid(`${header}\na,b,c\n`)).toContain(problem)
  })

  it('with an odd quote loses the lines up to the next one, and says so', async () => {
    const path = fileWith('query,document\na,x\nb "c,y\nd,z\ne" f,w\ng,v\n')
    const { dataset, skipped } = await readDataset(path, { skipInvalid: true })
    expect([...dataset.queries.values()]).toEqual(['a', 'g'])
    expect(skipped).toHaveLength(1)
    expect(skipped[0]).toMatchObject({ line: 3, problem: expect.stringContaining('(the row reaches to line 5)') })
  })

  it('with a broken header is invalid as a whole', async () => {
    const path = fileWith('query,document,"a" b\na,x,y\n')
    await failure(() => readDataset(path, { skipInvalid: true }), 'DATASET_INVALID')
  })

  it('is not enough when it is a header alone', async () => {
    expect(await invalid('query,document\n')).toContain('nothing usable')
  })
})
