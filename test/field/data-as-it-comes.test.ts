import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { guessFields } from '../../src/dataset/fields.js'
import { probePath } from '../../src/dataset/probe.js'
import { readDataset } from '../../src/dataset/read.js'
import { loadDocuments } from '../../src/documents/load-documents.js'
import { openData } from '../../src/pipeline/open-data.js'

function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'field-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

const lines = (...entries: readonly unknown[]): string => entries.map(entry => `${JSON.stringify(entry)}\n`).join('')

const BEIR = {
  'corpus.jsonl': lines({ _id: 'd1', text: 'reset the pin' }, { _id: 'd2', text: 'order a card' }),
  'queries.jsonl': lines({ _id: 'q1', text: 'pin?' }, { _id: 'q2', text: 'card?' }),
}

const read = async (files: Readonly<Record<string, string | Uint8Array>>, name = '') => {
  const { dataset } = await readDataset(join(folderOf(files), name))
  return { ...dataset, qrels: Object.fromEntries([...dataset.qrels].map(([id, m]) => [id, Object.fromEntries(m)])) }
}

test('vectors of zeros of your own are counted and named in a warning, documents of several parts once', async () => {
  const side = (role: string, zeros: readonly number[]) =>
    lines(...Array.from({ length: 8 }, (_, i) => ({ id: `${role}${i}`, vector: zeros.includes(i) ? [0, 0] : [1, i] })))
  const pairs = JSON.stringify(Array.from({ length: 8 }, (_, i) => [i, i]))
  const folder = folderOf({
    'queries.jsonl': side('q', []),
    'docs.jsonl': side('d', [0, 1, 2, 4, 5, 7]),
    'pairs.json': pairs,
    'test_queries.jsonl': side('t', [3]),
    'test_pairs.json': pairs,
  })
  const { warnings } = await openData({ vectors: folder, baseId: 'my/model' })
  const named = [0, 1, 2, 4, 5].map(i => `document d${i} of the train part`).join(', ')
  expect(warnings.filter(warning => warning.includes('zeros'))).toEqual([
    `my/model: 6 documents have vectors of zeros, similar to nothing: ${named} and 1 more. Check the files`,
    'my/model: 1 query has a vector of zeros, similar to nothing: query t3 of the test part. Check the files',
  ])
})

test('a grade below 0 counts as judged and not relevant, and a fraction above 0 as relevant', async () => {
  const qrels = 'query-id\tcorpus-id\tscore\nq1\td1\t0.5\nq1\td2\t-2\nq2\td2\t.25\nq2\td1\t-0.5\n'
  const { qrels: tsv } = await read({ ...BEIR, 'qrels/test.tsv': qrels })
  expect(tsv).toEqual({ q1: { d1: 0.5, d2: 0 }, q2: { d2: 0.25, d1: 0 } })
  const twice = await read({ ...BEIR, 'qrels/test.tsv': 'q1\td1\t1e-05\nq1\td1\t-1\nq2\td2\t1\nq2\td2\t0\t\n' })
  expect(twice.qrels).toEqual({ q1: { d1: 1e-5 }, q2: { d2: 1 } })
  const records = lines({ query: 'a', document: 'x', grade: -1 }, { query: 'a', document: 'y', grade: 0.1 })
  const { qrels: jsonl } = await read({ 'a.jsonl': records }, 'a.jsonl')
  expect(Object.values(jsonl).map(Object.values)).toEqual([[0, 0.1]])
  const none = readDataset(join(folderOf({ 'a.csv': 'query,document,grade\na,x,-1\nb,y,1\n' }), 'a.csv'))
  await expect(none).rejects.toThrow(/only documents of grade 0 or below, expected at least one above 0/)
})

test('judgements in JSON Lines, as mteb writes them, are read', async () => {
  const judged = lines({ 'query-id': 'q1', 'corpus-id': 'd1', score: 1 }, { 'query-id': 'q2', 'corpus-id': 'd2', score: 2.0 })
  const files = { ...BEIR, 'qrels/dev.jsonl': judged }
  expect((await read(files)).qrels).toEqual({ q1: { d1: 1 }, q2: { d2: 2 } })
  expect((await read(files, 'qrels/dev.jsonl')).name).toMatch(/\/dev$/)
  const newer = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll('"_id"', '"id"')]))
  const quoted = newer['qrels/dev.jsonl'].replaceAll(/"score":(\d)/g, '"score":"$1"')
  expect((await read({ ...newer, 'qrels/dev.jsonl': quoted })).qrels).toEqual({ q1: { d1: 1 }, q2: { d2: 2 } })
  const two = folderOf({ ...files, 'qrels/test.tsv': 'q1\td1\t1\n' })
  await expect(readDataset(two)).rejects.toThrow(/has several splits: dev, test/)
  expect((await readDataset(two, { split: 'dev' })).dataset.qrels.size).toBe(2)
})

test('files that a Mac adds to a folder are not there', async () => {
  const binary = Buffer.from([0, 5, 22, 7, 0, 2, 0, 0])
  const added = { '._corpus.jsonl': binary, '.DS_Store': binary, 'qrels/._test.tsv': binary, 'qrels/.DS_Store': binary }
  const files = { ...BEIR, 'qrels/test.tsv': 'q1\td1\t1\nq2\td2\t1\n', ...added }
  expect((await read(files)).qrels).toEqual({ q1: { d1: 1 }, q2: { d2: 1 } })
  const folder = folderOf({ 'a.md': '# A\n\ntext', '._a.md': binary, '.DS_Store': binary, '__MACOSX/._a.md': binary })
  const { documents, skipped } = await loadDocuments([folder, `${folder}/**/{.,}*`])
  expect(documents.map(({ file }) => file.split('/').pop())).toEqual(['a.md'])
  expect(skipped).toEqual([])
})

test('a whole number above 2^53 is an id as it stands in the file', async () => {
  const q = '9007199254740993'
  const [a, b] = ['1653247040368672761', '-90071992547409931234']
  const { corpus, qrels } = await read({
    'corpus.jsonl': `{"_id": ${a}, "text": "x"}\n{"_id":${b},"text":"y 12345678901234567890"}\n`,
    'queries.jsonl': '{"_id": 9007199254740993, "text": "x?"}\n',
    'qrels/test.jsonl': `{"query-id":9007199254740993,"corpus-id":${a},"score":1}\n{"query-id":"9007199254740993","corpus-id":"${b}","score":1}\n`,
  })
  expect([...corpus.keys()]).toEqual([a, b])
  expect(qrels).toEqual({ [q]: { [a]: 1, [b]: 1 } })
  const llama = `{"queries":{"q":"x?"},"corpus":{"${a}":"x"},"relevant_docs":{"q":[${a}]}}`
  expect((await read({ 'a.json': llama }, 'a.json')).qrels).toEqual({ q: { [a]: 1 } })
  const record = `{"query":"x","document":"y","document_id":${a}}\n`
  expect([...(await read({ 'a.jsonl': record }, 'a.jsonl')).corpus.keys()]).toEqual([a])
})

test('blanks in ids count the same in all three files', async () => {
  const { corpus, qrels } = await read({
    'corpus.jsonl': lines({ _id: 'd1 ', text: 'x' }, { _id: ' d2', text: 'y' }, { _id: 'd1', text: 'z' }),
    'queries.jsonl': lines({ _id: 'q 1 ', text: 'x?' }, { _id: 'q2', text: 'y?' }),
    'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq 1 \td1 \t1\nq2 \t d2\t 1\nq2\td1\t1 \n',
  })
  expect([...corpus.keys()]).toEqual(['d1 ', ' d2', 'd1'])
  expect(qrels).toEqual({ 'q 1 ': { 'd1 ': 1 }, q2: { ' d2': 1, d1: 1 } })
})

const pairs = [
  ['how, where?', 'say "yes"; then'],
  ['why?', 'so | that'],
]
const csv = (delimiter: string, end: string) =>
  [['query', 'document'], ...pairs].map(row => row.map(cell => `"${cell.replaceAll('"', '""')}"`).join(delimiter) + end).join('')

test.each([
  ['a first line sep=;', `sep=;\r\n${csv(';', '\r\n')}`],
  ['a first line sep=|', `sep=|\n${csv('|', '\n')}`],
  ['a first line "sep=," after a byte order mark', `\uFEFF"sep=,"\r\n${csv(',', '\r\n')}`],
  ['lines that end with CR alone', csv(',', '\r')],
  ['a first line sep=; and CR alone', `sep=;\r${csv(';', '\r')}`],
  ['empty rows at the end', `${csv(',', '\n')},\n , \n,,,\n`],
  ['empty rows in the middle', csv(',', '\n').replace('\n"why', '\n,\n"why')],
  ['empty columns at the end', csv(',', ',,\n')],
  ['empty columns at the end of rows alone', csv(',', ',,\n').replace(',,', '')],
  ['empty columns at the end of the header alone', csv(',', '\n').replace('\n', ',,\n')],
  ['blanks in the header', csv(';', '\n').replace('"query";"document"', ' "query" ; document\u00a0')],
])('a table with %s is read', async (name, content) => {
  const { queries, corpus } = await read({ 'a.csv': content }, 'a.csv')
  expect([...queries.values()].map((query, i) => [query, [...corpus.values()][i]])).toEqual(pairs)
  if (/alone$/.test(name) && name.startsWith('empty')) return
  const guessed = await guessFields(await probePath(join(folderOf({ 'a.csv': content }), 'a.csv')))
  expect(guessed?.columns.filter(name => name.trim() !== '').map(name => name.trim())).toEqual(['query', 'document'])
})

test('a row with more cells than the header is still refused', async () => {
  await expect(read({ 'a.csv': 'query,document\nwhy?,so,that\n' }, 'a.csv')).rejects.toThrow(/has 3 columns, expected 2/)
})
