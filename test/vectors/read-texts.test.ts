import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { withTexts } from '../../src/vectors/read-texts.js'
import { embedded } from '../helpers/embedded.js'

const root = mkdtempSync(join(tmpdir(), 'read-texts-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
})

const train = embedded({
  queries: [
    [1, 0],
    [0, 1],
  ],
  docs: [
    [1, 0],
    [0, 1],
    [1, 1],
  ],
  positives: [[2], [0, 1]],
})

const file = {
  // JavaScript orders integer-like keys first: "2" is row 0.
  queries: { b: 'second', '2': 'first' },
  corpus: { z: 'last', '10': 'middle', '9': 'top' },
  relevant_docs: { '2': ['z'], b: ['9', '10'] },
}
const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))

test('puts the texts beside the vectors, in the order of JavaScript’s keys', async () => {
  write('train.json', file)
  const parts = await withTexts({ train, test: train }, folder)
  expect(parts.train).toEqual({ ...train, queryTexts: ['first', 'second'], docTexts: ['top', 'middle', 'last'] })
  expect(parts.test).toBe(train)
  write('test.json', file)
  expect((await withTexts({ train, test: train }, folder)).test?.docTexts).toEqual(['top', 'middle', 'last'])
})

test.each([
  ['fewer queries', { ...file, queries: { b: 'second' } }, 'expected 2 queries, as many as there are vectors, found 1'],
  ['more documents', { ...file, corpus: { ...file.corpus, y: '' } }, 'expected 3 documents'],
  ['another order', { ...file, relevant_docs: { '2': ['9'], b: ['z', '10'] } }, 'query "2" is row 0, whose pairs are rows 2'],
  ['no texts', { ...file, corpus: { a: 1 } }, 'expected "corpus" to be an object of texts'],
  ['a list', [], 'expected "queries" to be an object of texts'],
  ['no labels', { ...file, relevant_docs: [] }, 'expected "relevant_docs"'],
])('refuses %s', async (_, content, message) => {
  write('train.json', content)
  await expect(withTexts({ train }, folder)).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringContaining(message),
  })
})

test('refuses a folder without texts of the training set, and what is not JSON', async () => {
  await expect(withTexts({ train }, folder)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  writeFileSync(join(folder, 'train.json'), '{')
  await expect(withTexts({ train }, folder)).rejects.toMatchObject({ code: 'DATASET_INVALID' })
})
