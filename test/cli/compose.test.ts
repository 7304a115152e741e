import { join } from 'node:path'
import { expect, test } from 'vitest'
import { adapterHash, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { openData } from '../../src/pipeline/open-data.js'
import { runTraining } from '../../src/pipeline/run-training.js'
import { composeProviders } from '../../src/providers/compose.js'
import { createProvider } from '../../src/providers/index.js'
import { fitPca } from '../../src/train/pca.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'
import { cli, cliJson, folderWith } from './cli.js'
import { noise, shifted } from './data.js'

const part = ['--base', 'compose', '--part', 'hashing?dimensions=64', '--part', 'hashing?dimensions=96']
const train = [
  'train',
  ...part,
  '--cache',
  'c.sqlite',
  '--tune',
  'off',
  '--epochs',
  '2',
  '--engine',
  'cpu',
  '--val-fraction',
  '0',
]

const sets = () =>
  folderWith({
    'a.json': JSON.stringify(shifted({ from: 0, to: 30, shift: 1 })),
    'b.json': JSON.stringify(shifted({ from: 30, to: 40, shift: 1 })),
    'c.json': JSON.stringify(noise(25, 60, 3)),
  })
const words = [...train, '--train', 'a.json', '--test', 'b.json', '--out', 'two.json', '--pca', '16']

test('--pca reduces by the training documents, the same in the library, and the file is all that later commands need', async () => {
  const cwd = sets()
  const report = await cliJson<{ base: object; whole: { dimensions: number } }>(words, { cwd })
  expect(report).toMatchObject({ base: { dimensions: 16 }, whole: { dimensions: 160 } })
  const adapter = loadAdapter(join(cwd, 'two.json'))

  const data = await openData({ train: join(cwd, 'a.json'), test: join(cwd, 'b.json'), valFraction: 0 })
  const models = await Promise.all([64, 96].map(dimensions => createProvider('hashing', { dimensions })))
  const provider = composeProviders(models)
  const settings = { tune: 'off', train: { epochs: 2, engine: 'cpu' }, pca: 16 } as const
  const own = await runTraining({ data, provider, ...settings })
  expect(adapterHash(own.adapter)).toBe(adapterHash(adapter))
  const { vectors } = await embedTexts(provider, [...data.parts!.train!.corpus.values()], 'document')
  expect(adapter.base.provider).toMatchObject({ name: 'compose', pca: await fitPca(vectors, 16) })

  const evaluated = await cliJson(['evaluate', '--adapter', 'two.json', '--data', 'b.json', '--cache', 'c.sqlite'], {
    cwd,
  })
  expect(evaluated).toMatchObject({ base: { id: adapter.base.id, dimensions: 16 }, cache: { misses: 0 } })
  const two = ['--candidate', 'two=adapter:two.json', '--candidate', 'one=hashing@64']
  const compared = await cliJson(['compare', '--data', 'b.json', '--cache', 'd.sqlite', '--no-timing', ...two], { cwd })
  expect(compared).toMatchObject({ candidates: [{ dimensions: expect.any(Number) }, {}] })
  const { spaces } = await cliJson<{ spaces: { key: string }[] }>(['cache', 'stats', '--cache', 'd.sqlite'], { cwd })
  expect(spaces.map(({ key }) => key).sort()).toEqual(models.map(model => model.cacheKey('query')).sort())
}, 180_000)

test('a projection stays as long as its index may be there, and can be taken from a file', async () => {
  const cwd = sets()
  await cliJson(words, { cwd })
  const adapter = loadAdapter(join(cwd, 'two.json'))
  // Other documents would give another projection, and the index would have to be made anew.
  const again = await cli([...words.with(words.indexOf('a.json'), 'c.json'), '--replace', 'always'], { cwd })
  expect(again.stderr).toContain('reduced from 160 to 16 dimensions by the projection of two.json')
  expect(loadAdapter(join(cwd, 'two.json')).base.id).toBe(adapter.base.id)
  const taken = await cli([...words.with(-1, 'two.json'), '--out', 'three.json'], { cwd })
  expect(taken).toMatchObject({ code: 0, stderr: expect.stringContaining('by the projection of two.json') })
  expect(loadAdapter(join(cwd, 'three.json')).base.id).toBe(adapter.base.id)
  const fewer = await cliJson([...words.with(-1, '12'), '--replace', 'always'], { cwd })
  expect(fewer).toMatchObject({ base: { dimensions: 12 } })
}, 180_000)

test('a rejected adapter leaves the projection alone at its place, which documents can be embedded with', async () => {
  const cwd = folderWith({ 'a.json': JSON.stringify(noise(40, 60, 5)) })
  const words = ['train', ...part, '--pca', '8', '--cache', 'none', '--engine', 'cpu', '--train', 'a.json', '--out', 'two.json']
  const run = await cli([...words, '--tune-budget', '600', '--text-terms', 'off', '--pseudo-queries', 'off'], { cwd })
  expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining('two.json has the projection alone') })
  const { kind, params, base } = loadAdapter(join(cwd, 'two.json'))
  expect([kind, base.dimensions, base.provider?.pca?.shape]).toEqual(['linear', 8, [8, 160]])
  params.W.data.forEach((x, i) => {
    expect(x).toBe(i % 9 === 0 ? 1 : 0)
  })
  expect(loadAdapter(join(cwd, 'two.rejected.json')).base.id).toBe(base.id)
})

test.each<[string[], RegExp]>([
  [['--base', 'hashing'], /expected a model composed of parts \(--base compose\), not reduced yet, found hashing/],
  [[...part, '--pca', 'plain.json'], /found plain.json, which has none/],
  [[...part, '--pca', '400'], /expected a whole number from 1 to 59, for 60 documents of 160 dimensions, found 400/],
  [[...part, '--pca', 'cut.json'], /cut.json: "base.provider.pca" must be \{ "shape": \[rows, columns\]/],
  [[...part, '--dimensions-out', '9'], /expected one of the two, found both/],
  [[...part, '--index', 'qdrant://127.0.0.1:1#docs'], /drop it, or --index/],
])('--pca with %j is refused', async (given, message) => {
  const cwd = folderWith({ 'a.json': JSON.stringify(noise(25, 60, 3)) })
  const plain = sampleAdapter('linear', 8)
  saveAdapter(plain, join(cwd, 'plain.json'))
  const cut = { name: 'compose', pca: { shape: [8, 160] as const, data: 'AAAA' } }
  saveAdapter({ ...plain, base: { ...plain.base, provider: cut } }, join(cwd, 'cut.json'))
  const base = given.includes('--pca') ? [] : ['--pca', '16']
  const run = await cli(['train', '--train', 'a.json', '--tune', 'off', '--cache', 'none', ...base, ...given], { cwd })
  expect(run).toMatchObject({ code: given.includes('cut.json') ? 1 : 2, stderr: expect.stringMatching(message) })
})

test('--pca of a corpus without labels names the file of its projection, and a wrong base before it embeds', async () => {
  const corpus = Array.from({ length: 400 }, (_, i) => ({
    id: i,
    text: `part ${i} of pump ${i * 7} and valve ${i * 13}`,
  }))
  const cwd = folderWith({ 'c.jsonl': corpus.map(one => JSON.stringify(one)).join('\n') })
  const words = ['train', '--labels', 'none', '--corpus', 'c.jsonl', '--cache', 'none']
  const first = await cli([...words, ...part, '--pca', '8', '--out', 'x.json'], { cwd })
  expect(first.stderr).toContain('reduced from 160 to 8 dimensions by PCA of the documents')
  for (const given of [
    ['--pca', '8', '--out', 'x.json'],
    ['--pca', 'x.json', '--out', 'y.json'],
  ]) {
    const again = await cli([...words, ...part, ...given], { cwd })
    expect(again.stderr).toContain('by the projection of x.json, so that its index stays valid')
  }
  const plain = await cli([...words, '--base', 'hashing', '--pca', '8'], { cwd })
  expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('expected a model composed of parts') })
  expect(plain.stderr).not.toContain('to embed')
}, 120_000)
