import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, Index } from '@lancedb/lancedb'
import { beforeAll, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { linear } from '../../src/adapters/linear.js'
import { fromRows } from '../../src/math/matrix.js'
import { buildTerms } from '../../src/pipeline/terms-step.js'
import { createProvider } from '../../src/providers/index.js'
import { analyze } from '../../src/terms/tokens.js'
import { identityWeights } from '../../src/train/parameters.js'
import { corpusOf } from '../../src/train/terms/corpus-terms.js'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const corpus = shifted({ from: 0, to: 80, shift: 2 })
/** Labels that name documents by id alone. */
const labels = ({ queries, relevant_docs }: typeof corpus) => ({ queries, relevant_docs })
const cwd = folderWith({
  'train.json': labels(shifted({ from: 0, to: 60, shift: 2 })),
  'test.json': labels(shifted({ from: 40, to: 80, shift: 2, seed: 2 })),
})
const url = `lancedb://${join(cwd, 'lance')}#docs`
const BASE = ['--base', 'hashing', '--dimensions', '256', '--cache', 'none']

const sampleAdapter = (id: string): Adapter => ({
  kind: linear.name,
  base: { id, dimensions: 256, normalized: true },
  params: identityWeights(linear, 256, undefined, 256),
  training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
})

beforeAll(async () => {
  const provider = await createProvider('hashing', { dimensions: 256 })
  const texts = Object.values(corpus.corpus)
  const vectors = await provider.embed(texts, 'document')
  const documents = { ids: Object.keys(corpus.corpus), texts, vectors: fromRows(vectors) }
  const terms = buildTerms(
    documents,
    { analysis: analyze(texts, [], process.versions.icu), setting: { source: 'words', alpha: 0.2, rows: 1000 } },
    { corpus: corpusOf(documents, new Date()), proven: false },
  )
  saveAdapter({ ...sampleAdapter(provider.id), terms }, join(cwd, 'terms.json'))
  const rows = Object.keys(corpus.corpus).map((id, i) => ({ id, text: texts[i], vector: Array.from(vectors[i]) }))
  const table = await (await connect(join(cwd, 'lance'))).createTable('docs', rows)
  await table.createIndex('vector', {
    config: Index.ivfPq({ distanceType: 'cosine', numPartitions: 4, numSubVectors: 8, numBits: 4 }),
  })
})

test('train, evaluate, compare, explain and refresh read an index in place', async () => {
  const trained = await cli(
    [
      'train',
      ...BASE,
      '--train',
      'train.json',
      '--test',
      'test.json',
      '--index',
      url,
      '--tune',
      'off',
      '--epochs',
      '2',
      '--out',
      'a.json',
    ],
    { cwd },
  )
  expect(trained).toMatchObject({ code: 0 })
  expect(trained.stdout).toContain('80 documents')

  const given = ['--data', 'test.json', '--index', url]
  const evaluated = await cli(
    ['evaluate', ...BASE, ...given, '--adapter', 'a.json', '--index-effort', 'nprobes=1', '--report', 'r.html'],
    { cwd },
  )
  expect(evaluated).toMatchObject({ code: 0 })
  expect(evaluated.stdout).toContain(`through ${url}: ivfpq by cosine with nprobes=1`)
  expect(evaluated.stdout).toMatch(/finds of the exact 10 nearest, on 80 queries: 0\.\d+ -> 0\.\d+/)
  expect(evaluated.stdout).toMatch(/nprobes=\d+,refine_factor=\d+ +\d\.\d{4} +\d\.\d{4}/)
  expect(evaluated.stdout).toContain('index adapted')
  const page = readFileSync(join(cwd, 'r.html'), 'utf8')
  expect(page).toContain('Through the index')
  expect(page).toContain(url)

  const compared = await cliJson<{ data: object; candidates: object[] }>(
    ['compare', ...given, '--candidate', 'hashing@256', '--candidate', 'hashing@256+a.json', '--no-timing', '--cache', 'none'],
    { cwd },
  )
  expect(compared.data).toMatchObject({ documents: 80, queries: 80 })
  expect(compared.candidates).toHaveLength(2)

  const explained = await cliJson<{ documents: number; base: { id: string; text: string }[] }>(
    ['explain', '--adapter', 'a.json', '--index', url, '--query', 'clean pump valve', '--top', '2', '--cache', 'none'],
    { cwd },
  )
  expect(explained.documents).toBe(80)
  expect(corpus.corpus[explained.base[0].id as keyof typeof corpus.corpus]).toBe(explained.base[0].text)

  const refreshed = await cli(['refresh', 'terms.json', '--index', url, '--out', 'b.json'], { cwd })
  expect(refreshed.stdout).toContain('80 documents, the same as before')
}, 120_000)

test('options that do not go with an index are refused before anything is read', async () => {
  const refused = async (...args: string[]) => (await cli(args, { cwd })).stderr
  expect(await refused('train', '--base', 'vectors', '--vectors', 'x', '--index', url)).toContain('found vectors')
  expect(await refused('train', ...BASE, '--train', 'train.json', '--index', 'lancedb://me:secret99@x#t')).not.toContain(
    'secret99',
  )
  expect(await refused('explain', '--adapter', 'a.json', '--query', 'x')).toContain('missing option --data, or --index')
})
