import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judgements } from '../../../src/dataset/formats/judgements.js'
import { readDataset } from '../../../src/dataset/read.js'
import { datasetFormatContract } from '../../contracts/dataset-format.js'
import { temporaryFolder } from '../temporary-folder.js'

const header = (documents: object): string => JSON.stringify({ judgements: 1, documents, sampling: {} })
const line = (query: string, document: string, grade: unknown, more: object = {}): string =>
  JSON.stringify({
    query_id: `id ${query}`,
    document_id: `id ${document}`,
    grade,
    judge: 'Ada',
    time: '2026-05-01T10:00:00.000Z',
    query,
    document,
    ...more,
  })
const file = (...lines: string[]): string => `${lines.join('\n')}\n`

const FIRST = [header({}), line('reset PIN', 'Open Settings.', 3), line('reset PIN', 'Call us.', 0)]
const judged = { 'reset PIN': { 'Open Settings.': 3, 'Call us.': 0 } }

datasetFormatContract(judgements, {
  valid: file(...FIRST, line('opening hours', 'From nine to five.', 1)),
  judged: { ...judged, 'opening hours': { 'From nine to five.': 1 } },
  broken: [
    { sample: file(...FIRST, line('hours', 'Nine.', 'x')), at: ':4', problem: /grade is "x"/, left: judged },
    {
      sample: file(...FIRST, line('hours', 'Nine.', 1, { judge: 7 })),
      at: ':4',
      problem: /judge is the number 7/,
      left: judged,
    },
    {
      sample: file(...FIRST, line('hours', 'Nine.', 1, { document: undefined })),
      at: ':4',
      problem: /has no text/,
      left: judged,
    },
  ],
})

test('the last grade of a judge counts, an undone one does not, and several judges count by their median', async () => {
  const path = join(temporaryFolder(), 'labels.jsonl')
  writeFileSync(
    path,
    file(
      header({}),
      line('q', 'a', 0),
      line('q', 'a', 3),
      line('q', 'b', 2),
      line('q', 'b', null, { undo: true }),
      line('q', 'c', 1),
      line('q', 'c', 3, { judge: 'Bo' }),
      line('q', 'c', 3, { judge: 'Cy' }),
      line('q', 'a', 2, { judge: 'Bo' }),
      line('never', 'a', 0),
      '{"query_id": "q", "docu',
    ),
  )
  const { dataset, notes } = await readDataset(path)
  expect(Object.fromEntries(dataset.qrels.get('id q')!)).toEqual({ 'id a': 2, 'id c': 3 })
  expect([...dataset.queries.keys()]).toEqual(['id q'])
  expect(notes.slice(1)).toEqual([
    'lines cut off when a machine stopped, left out: 1',
    'judged queries without a relevant document, left out: 1',
  ])
})

test('the documents are all of those that the header names, in their order; without them, those judged', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'labels'))
  const path = join(folder, 'labels/ada.jsonl')
  const corpus = [
    ['id c', 'third'],
    ['id a', 'a'],
    ['id b', 'another text'],
  ] // prettier-ignore
  writeFileSync(join(folder, 'docs.jsonl'), file(...corpus.map(([id, text]) => JSON.stringify({ id, text }))))
  writeFileSync(
    path,
    file(header({ corpus: '../docs.jsonl' }), line('late', 'b', 1, { at: 7 }), line('early', 'a', 1, { at: 2 })),
  )
  const { dataset, notes } = await readDataset(path)
  expect([...dataset.corpus]).toEqual(corpus)
  expect([...dataset.queries.values()]).toEqual(['early', 'late'])
  expect(notes).toEqual(['judged documents that are missing or have another text in the data of today: 1'])
  writeFileSync(path, file(header({ corpus: '../gone.jsonl' }), line('late', 'b', 1)))
  const alone = await readDataset(path)
  expect([...alone.dataset.corpus.keys()]).toEqual(['id b'])
  expect(alone.notes[0]).toContain('gone.jsonl: there is no such file; only the judged ones are searched')
})
