import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { saveAdapter } from '../../src/adapters/file.js'
import { identity, matrix } from '../../src/math/matrix.js'
import { cli, cliJson, folderWith } from './cli.js'

const passage = 'Open the cover, then turn the small key to the left until the light is green, and close it again.'
const train = {
  queries: {
    a: 'how do I mend the pump',
    b: 'Sure, here are three questions:',
    c: 'turn the small key to the left until the light is green',
    d: 'E1042',
    e: 'never answered',
  },
  corpus: { d1: passage, d2: 'Pumps are mended by experts.', d3: 'nobody asks for this' },
  relevant_docs: { a: ['d1', 'd2'], b: ['d2'], c: ['d1'], d: ['d2'], e: [] },
}
const test1 = {
  queries: { a: 'How do I mend the pump?', z: 'another' },
  corpus: { d1: passage.replace('Open', 'Lift'), d9: 'nine' },
  relevant_docs: { a: ['d1'], z: ['d9'] },
}

describe.concurrent('inspect of data sets', () => {
  test('reports counts, lengths, what is missing and what is suspicious, also of a file that training would refuse', async () => {
    const cwd = folderWith({ 'train.json': train })
    const report = await cliJson<{ files: Record<string, unknown>[]; costs: { model: string; cost: number }[] }>(
      ['inspect', 'train.json'],
      { cwd },
    )
    expect(report.files[0]).toMatchObject({
      file: 'train.json',
      type: 'dataset',
      queries: 4,
      documents: 3,
      pairs: 5,
      positivesHistogram: [
        [1, 3],
        [2, 1],
      ],
      queriesWithoutDocument: { count: 1, examples: ['e'] },
      documentsWithoutQuery: { count: 1, examples: ['d3'] },
      suspicious: {
        preamble: { count: 1, examples: ['b'] },
        'quotes-document': { count: 1, examples: ['c'] },
        'no-words': { count: 1, examples: ['d'] },
      },
      documentLengths: { characters: { max: passage.length }, sampled: false },
    })
    const small = report.costs.find(({ model }) => model === 'openai/text-embedding-3-small')!
    expect(small.cost).toBeGreaterThan(0)
    expect(small.cost).toBeLessThan(0.0001)

    const { code, stdout, stderr } = await cli(['inspect', 'train.json'], { cwd })
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'warning: train.json: too easy or too small to trust as a test set; expected at least 50 queries and 100 documents, found 4 queries and 3 documents\n',
    })
    expect(stdout).toContain('  1 queries without a document: e\n')
    expect(stdout).toMatch(/ {2}positives +queries\n {2}1 +3 {2}#+\n {2}2 +1 {2}#+\n/)
    expect(stdout).toMatch(/ {2}1 suspicious queries: what an LLM says around a question, not a question: b\n/)
    expect(stdout).toMatch(/cohere\/embed-v4\.0 +\$0\.0000/)
  })

  test('says what two files share, with the ids, also where the texts are only nearly the same', async () => {
    const cwd = folderWith({ 'train.json': train, 'test.json': test1 })
    const { overlap } = await cliJson<{ overlap: unknown[] }>(['inspect', 'train.json', 'test.json'], { cwd })
    expect(overlap).toEqual([
      {
        files: ['train.json', 'test.json'],
        queryTexts: 0,
        documentIds: 1,
        documentTexts: 0,
        nearIdenticalQueries: 1,
        nearIdenticalDocuments: 1,
        leaks: [
          { kind: 'query', train: 'a', heldOut: 'a', match: 'text', similarity: 1 },
          { kind: 'document', train: 'd1', heldOut: 'd1', match: 'near', similarity: expect.any(Number) },
        ],
      },
    ])
    const { stdout } = await cli(['inspect', 'train.json', 'test.json'], { cwd })
    expect(stdout).toContain(
      'near-identical, or the same, in test.json: 1 queries, 1 answered documents (query a = a; document d1 = d1)',
    )
  })

  test('counts a text that several files have once in the cost', async () => {
    const cwd = folderWith({ 'a.json': train, 'b.json': train })
    const costs = async (...files: string[]) => (await cliJson<{ costs: unknown }>(['inspect', ...files], { cwd })).costs
    expect(await costs('a.json', 'b.json')).toEqual(await costs('a.json'))
  })

  test('rounds the figures of an adapter as the tables of evaluate do', async () => {
    const params = { W: identity(4), b: matrix(1, 4) }
    const metrics = { base: { 'ndcg@10': Math.log10(2) }, adapted: { 'ndcg@10': Math.log10(3) }, split: 'test' }
    const training = { tool: 't', date: '2026-01-01', data: {}, options: { learningRate: 1 / 3000 }, metrics }
    const cwd = folderWith()
    saveAdapter({ kind: 'linear', base: { id: 'x', dimensions: 4, normalized: true }, training, params }, join(cwd, 'a.json'))
    const { stdout } = await cli(['inspect', 'a.json'], { cwd })
    expect(stdout).toContain('\n  metrics   ndcg@10 0.3010 -> 0.4771 (test)\n')
    expect(stdout).toContain('\n  options   learningRate 0.0003333\n')
    expect(stdout).not.toMatch(/\d\.\d{8}|[{}]/)
  })

  test('lists what is invalid and goes on', async () => {
    const cwd = folderWith({ 'x.csv': 'query,document\na,x\nb\nc,y\n' })
    const { code, stdout, stderr } = await cli(['inspect', 'x.csv'], { cwd })
    expect(code).toBe(0)
    expect(stderr).toContain('1 invalid entries left out:\n  x.csv:3: has 1 columns, expected 2')
    expect(stdout).toMatch(/^x\.csv\n {2}queries +2 /)
  })
})
