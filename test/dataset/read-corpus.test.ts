import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCorpus } from '../../src/dataset/read-corpus.js'
import { folderWith } from '../cli/cli.js'

const DOCUMENTS = new Map([
  ['a', 'How to mend a pump'],
  ['7', 'Oil the hinge'],
])
const lines = (title = false) =>
  [...DOCUMENTS].map(([_id, text]) => JSON.stringify({ _id, ...(title && { title: '' }), text })).join('\n')
const dataset = {
  queries: { q: 'pump?' },
  corpus: Object.fromEntries(DOCUMENTS),
  relevant_docs: { q: ['a'] },
}

test.each([
  ['JSON Lines', 'c.jsonl', { 'c.jsonl': lines() }],
  ['a BEIR folder', '.', { 'corpus.jsonl': lines(true), 'queries.jsonl': '{"_id":"q","text":"pump?"}' }],
  ["LlamaIndex's JSON", 'd.json', { 'd.json': dataset }],
])('a corpus is read from %s', async (_, path, files) => {
  const read = await readCorpus(join(folderWith(files), path))
  expect(new Map(read)).toEqual(DOCUMENTS)
})

test.each([
  ['a folder without documents', '.', { 'x.txt': '' }, /is a folder without corpus\.jsonl, expected documents/],
  [
    'a dataset with a document that is no text',
    'd.json',
    { 'd.json': { ...dataset, corpus: { a: 5 } } },
    /d\.json:1: the text of document "a"/,
  ],
  ['an id given twice', 'c.jsonl', { 'c.jsonl': `${lines()}\n${lines()}` }, /c\.jsonl:3: document "a" is given again/],
])('%s is refused', async (_, path, files, message) => {
  await expect(readCorpus(join(folderWith(files), path))).rejects.toThrow(message)
})
