import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { QADataset } from '../../../src/dataset/dataset.js'
import { hashDataset } from '../../../src/dataset/hash.js'
import { readDataset } from '../../../src/dataset/read.js'
import { writeLlamaIndex } from '../../../src/dataset/writers/llamaindex.js'
import { temporaryFolder } from '../temporary-folder.js'

const dataset: QADataset = {
  name: 'set',
  queries: new Map([
    ['9', 'nine "quoted"'],
    ['1', 'one\u2028\n😀'],
    ['__proto__', 'three'],
  ]),
  corpus: new Map([
    ['d2', 'two'],
    ['d1', 'one'],
    ['0', 'unused'],
  ]),
  qrels: new Map([
    [
      '9',
      new Map([
        ['d2', 1],
        ['d1', 1],
      ]),
    ],
    [
      '1',
      new Map([
        ['d1', 2],
        ['d2', 0],
      ]),
    ],
    ['__proto__', new Map([['d1', 1]])],
  ]),
}

describe('writeLlamaIndex', () => {
  it('writes what readDataset reads back, in the same order', async () => {
    const path = join(temporaryFolder(), 'new', 'set.json')
    writeLlamaIndex(dataset, path)
    const { dataset: back } = await readDataset(path)
    expect([...back.queries]).toEqual([...dataset.queries])
    expect([...back.corpus]).toEqual([...dataset.corpus])
    expect([...back.qrels].map(([id, docs]) => [id, [...docs]])).toEqual([...dataset.qrels].map(([id, docs]) => [id, [...docs]]))
  })

  it('writes the JSON that LlamaIndex expects: lists of ids, and the mode', () => {
    const path = join(temporaryFolder(), 'set.json')
    writeLlamaIndex(dataset, path)
    const json = JSON.parse(readFileSync(path, 'utf8'))
    expect(Object.keys(json)).toEqual(['queries', 'corpus', 'relevant_docs', 'mode'])
    expect(json.relevant_docs['9']).toEqual(['d2', 'd1'])
    expect(json.relevant_docs['1']).toEqual({ d1: 2, d2: 0 })
    expect(json.mode).toBe('text')
  })

  it('writes an empty data set as empty objects', () => {
    const path = join(temporaryFolder(), 'set.json')
    writeLlamaIndex({ name: '', queries: new Map(), corpus: new Map(), qrels: new Map() }, path)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ queries: {}, corpus: {}, relevant_docs: {}, mode: 'text' })
  })
})

describe('hashDataset', () => {
  const reversed = <T>(map: ReadonlyMap<string, T>) => new Map([...map].reverse())

  it('does not depend on the name or any order', () => {
    const other: QADataset = {
      name: 'other',
      queries: reversed(dataset.queries),
      corpus: reversed(dataset.corpus),
      qrels: new Map([...reversed(dataset.qrels)].map(([id, docs]) => [id, reversed(docs)])),
    }
    expect(hashDataset(other)).toBe(hashDataset(dataset))
  })

  it('is the SHA-256 of the documented lines', () => {
    const small: QADataset = {
      name: '',
      queries: new Map([['q', 'a']]),
      corpus: new Map([['d', 'x']]),
      qrels: new Map([['q', new Map([['d', 1]])]]),
    }
    // printf '["query","q","a"]\n["document","d","x"]\n["qrel","q","d",1]\n' | sha256sum
    expect(hashDataset(small)).toBe('400863350293f055ea556b0a02039bc429a4008bd223b79565c07b93b3203a9d')
  })

  it.each([
    ['a query', { queries: new Map([...dataset.queries, ['1', 'other']]) }],
    ['a document', { corpus: new Map([...dataset.corpus, ['0', 'other']]) }],
    [
      'a grade',
      {
        qrels: new Map([
          ...dataset.qrels,
          [
            '9',
            new Map([
              ['d2', 2],
              ['d1', 1],
            ]),
          ],
        ]),
      },
    ],
    ['a document that no query has', { corpus: new Map([...dataset.corpus, ['new', 'x']]) }],
  ])('changes with %s', (_, change) => {
    expect(hashDataset({ ...dataset, ...change })).not.toBe(hashDataset(dataset))
  })
})
