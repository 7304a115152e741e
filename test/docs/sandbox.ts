import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { makeTinyModel } from '../../scripts/make-tiny-model.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { makePdf } from '../documents/make-documents.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'
import { DIMENSIONS } from './fake-services.js'
import { ROOT } from './pages.js'

/** The folder in which the blocks of one page run, one after the other. */
export interface Sandbox {
  readonly cwd: string
  /** That servers of this page listen at, in place of 8080. */
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

/** Makes what a reader of the pages has, for sandboxes to be copied from: data, documents, a model, an adapter, and this package. */
export async function makeTemplate(folder: string): Promise<void> {
  const write: Write = (name, content) => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    const isText = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(path, isText ? content : `${JSON.stringify(content)}\n`)
  }
  const adapter = sampleAdapter('linear', DIMENSIONS)
  const base = { id: 'openai/text-embedding-3-small', dimensions: DIMENSIONS, normalized: true }

  writeData(write)
  writeVectors(write)
  await writeDocuments(write)
  makeTinyModel(join(folder, 'models/potion-base-2M'))
  mkdirSync(join(folder, 'adapters'))
  for (const name of ['finance', 'openai-text-embedding-3-small']) {
    saveAdapter({ ...adapter, base }, join(folder, `adapters/${name}.json`))
  }
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true })

  write('package.json', { type: 'module' })
  mkdirSync(join(folder, 'node_modules'))
  for (const name of PACKAGES) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  symlinkSync(ROOT, join(folder, 'node_modules/adapter-train'))
  const bin = join(folder, 'node_modules/.bin')
  mkdirSync(bin)
  for (const name of ['adapter-train', 'npm', 'npx']) {
    writeFileSync(join(bin, name), readFileSync(join(ROOT, 'test/docs/bin', name)))
    chmodSync(join(bin, name), 0o755)
  }
}

/** Copies a template into an empty or missing folder, with a port of its own. */
export async function makeSandbox(cwd: string, template: string, services: string): Promise<Sandbox> {
  cpSync(template, cwd, { recursive: true, verbatimSymlinks: true })
  const port = await freePort()
  return {
    cwd,
    port,
    env: {
      PATH: `${join(cwd, 'node_modules/.bin')}:${process.env.PATH}`,
      HOME: cwd,
      ROOT,
      PORT: String(port),
      FAKE_SERVICES: services,
      OPENAI_BASE_URL: `${services}/v1`,
      OPENAI_API_KEY: 'none',
      CO_API_KEY: 'none',
      NODE_OPTIONS: `--import=${join(ROOT, 'test/docs/redirect.mjs')}`,
    },
  }
}

/** Packages that a snippet may import beside this one. */
const PACKAGES = ['openai', 'ai', 'chromadb', '@ai-sdk', '@langchain', '@llamaindex', 'onnxruntime-node', '@lancedb', '@types']

type Write = (name: string, content: string | object) => void

interface LlamaIndexFile {
  readonly queries: Readonly<Record<string, string>>
  readonly corpus: Readonly<Record<string, string>>
  readonly relevant_docs: Readonly<Record<string, readonly string[]>>
}

/** The first queries of a part of the sample data and their documents, so that training on them takes seconds. */
function sample(part: string, queries: number): LlamaIndexFile {
  const all: LlamaIndexFile = JSON.parse(readFileSync(join(ROOT, `examples/data/${part}_dataset.json`), 'utf8'))
  const first = <T>(table: Readonly<Record<string, T>>) => Object.fromEntries(Object.entries(table).slice(0, queries))
  const relevant_docs = first(all.relevant_docs)
  const ids = [...new Set(Object.values(relevant_docs).flat())]
  return {
    ...all,
    queries: first(all.queries),
    corpus: Object.fromEntries(ids.map(id => [id, all.corpus[id]])),
    relevant_docs,
  }
}

function writeData(write: Write): void {
  const train = sample('train', 60)
  const test = sample('test', 30)
  const val = sample('val', 30)
  for (const [name, data] of Object.entries({ train, val, test })) {
    write(`${name}_dataset.json`, data)
    write(`${name}.json`, data)
  }
  const pairs = Object.entries(train.relevant_docs).map(([id, [document]]) => ({ query: train.queries[id], document }))
  const lines = (rows: readonly object[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('')
  const csv = pairs.map(({ query, document }) => [query, train.corpus[document]].map(cell => `"${cell.replaceAll('"', '""')}"`))
  write('faq.csv', `question,answer\n${csv.map(cells => `${cells.join(',')}\n`).join('')}`)
  write('docs.jsonl', lines(Object.entries(train.corpus).map(([id, text]) => ({ id, text }))))
  write('clicks.jsonl', lines(pairs.flatMap(({ query, document }) => Array(3).fill({ query, clicked: [document] }))))
  const ids = Object.keys(train.corpus)
  write(
    'triplets.jsonl',
    lines(
      pairs.slice(0, 30).map(({ query, document }, i) => ({
        anchor: query,
        positive: train.corpus[document],
        negative: train.corpus[ids.filter(id => id !== document)[i]],
      })),
    ),
  )
  const paragraphs = pairs.slice(30).map(({ query, document }, i) => ({
    context: train.corpus[document],
    qas: [{ id: `${i}`, question: query, answers: [] }],
  }))
  write('squad.json', { data: [{ title: 'Help', paragraphs }] })
  write('beir-folder/corpus.jsonl', lines(Object.entries(train.corpus).map(([_id, text]) => ({ _id, text }))))
  write('beir-folder/queries.jsonl', lines(Object.entries(train.queries).map(([_id, text]) => ({ _id, text }))))
  const qrels = Object.entries(train.relevant_docs).flatMap(([id, docs]) => docs.map(doc => `${id}\t${doc}\t1\n`))
  write('beir-folder/qrels/train.tsv', `query-id\tcorpus-id\tscore\n${qrels.join('')}`)
}

/** `queries`, `docs` and `pairs.json`, as `--vectors` reads them. */
function writeVectors(write: Write): void {
  const { queries, corpus, relevant_docs } = sample('train', 60)
  const ids = Object.keys(corpus)
  const rows = (texts: readonly string[]) =>
    new Uint8Array(Float32Array.from(texts.flatMap(text => [...fakeVector(text, DIMENSIONS)])).buffer)
  write('vectors/queries.f32', rows(Object.values(queries)))
  write('vectors/docs.f32', rows(Object.values(corpus)))
  write('vectors/shape.json', { dim: DIMENSIONS })
  const pairs = Object.values(relevant_docs).flatMap((docs, i) => docs.map(doc => [i, ids.indexOf(doc)]))
  write('vectors/pairs.json', pairs)
}

async function writeDocuments(write: Write): Promise<void> {
  const { corpus } = sample('train', 80)
  const texts = Object.entries(corpus).slice(0, 18)
  for (const [id, text] of texts) write(`docs/${id}.md`, `# ${id}\n\n${text}\n`)
  write('README.md', `# Help centre\n\n${Object.values(corpus)[20]}\n`)
  for (const [id, text] of Object.entries(corpus).slice(21, 31)) {
    const file = await makePdf(pdf => pdf.text(text))
    for (const folder of ['docs', 'manuals']) write(`${folder}/${id}.pdf`, file)
  }
}

function freePort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
