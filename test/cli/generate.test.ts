import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { chunkIn, promptOf, type Say, startFakeChat, startFakeCohereChat } from '../helpers/fake-chat.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith } from './cli.js'

const KEY = 'sk-test-0123456789abcdefghijklmnop'
const services: FakeService[] = []
afterAll(async () => {
  for (const service of services.splice(0)) await service.close()
})
const opened = <T extends FakeService>(service: T): T => {
  services.push(service)
  return service
}

const WORDS = 'anchor barley cobalt dragon ember falcon garnet hazel indigo jasper kelp lantern'.split(' ')
const word = (i: number) => WORDS[i % WORDS.length] + i
/** One document a chunk, so small that a fake model can tell them apart by `chunk-7`. */
const documents = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`docs/${i}.md`, `Part chunk-${i}: ${word(i)} opens ${word(3 * i + 1)}.\n`]),
  )
const say: Say = prompt => {
  const i = chunkIn(prompt)
  return `Here are 2 questions:\n1. How do I open ${word(3 * i + 1)} today?\n2. "${word(i)} usage"`
}
const NAMES = ['train_dataset.json', 'val_dataset.json', 'test_dataset.json']

interface LlamaIndex {
  readonly queries: Record<string, string>
  readonly corpus: Record<string, string>
  readonly relevant_docs: Record<string, string[]>
}
const read = (...path: string[]): LlamaIndex => JSON.parse(readFileSync(join(...path), 'utf8'))
const partsIn = (cwd: string): LlamaIndex[] => NAMES.map(name => read(cwd, 'data', name))

interface Report {
  readonly llm: string
  readonly documents: {
    readonly read: number
    readonly skipped: readonly { readonly file: string; readonly reason: string }[]
  }
  readonly chunks: {
    readonly asked: number
    readonly splitBy: string
    readonly failed: readonly Record<string, unknown>[]
  }
  readonly questions: { readonly kept: number; readonly stripped: number; readonly dropped: Record<string, number> }
  readonly parts: Record<string, { readonly questions: number; readonly chunks: number }>
  readonly llmUse: Record<string, number>
  readonly dropped: readonly { readonly reason: string; readonly text: string; readonly chunk: string }[]
}

describe.concurrent('generate', () => {
  test('makes the three files of LlamaIndex, each with all documents, and pays once', async () => {
    const service = opened(await startFakeChat({ say, apiKey: KEY }))
    const cwd = folderWith({ ...documents(30), 'docs/broken.pdf': 'no pdf', 'docs/empty.md': '' })
    const args = ['generate', 'docs', '--llm', 'openai', '--llm-base-url', service.url, '--llm-model', 'm']
    const env = { OPENAI_API_KEY: KEY }
    const report = await cliJson<Report>(args, { cwd, env })
    expect(report).toMatchObject({
      llm: 'openai/m',
      documents: { read: 30 },
      chunks: { asked: 30, splitBy: 'document', failed: [] },
      questions: { kept: 60, stripped: 60, dropped: { preamble: 30 } },
      parts: { train: { chunks: 30 }, validation: { chunks: 30 }, test: { chunks: 30 } },
      warnings: [expect.stringMatching(/^the test part: too easy or too small to trust as a test set; .* and 30 documents$/)],
      llmUse: { requests: 30, cachedAnswers: 0, cost: 0 },
    })
    expect(report.documents.skipped.map(({ file }) => file).sort()).toEqual(['docs/broken.pdf', 'docs/empty.md'])
    const parts = partsIn(cwd)
    for (const { corpus } of parts) expect(corpus).toEqual(parts[0].corpus)
    const asked = parts.map(({ relevant_docs }) => new Set(Object.values(relevant_docs).flat()))
    expect(asked.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(asked.flatMap(ids => [...ids])).size)
    for (const { queries, corpus, relevant_docs } of parts) {
      for (const [id, text] of Object.entries(queries)) {
        const [chunk] = relevant_docs[id]
        const i = chunkIn(corpus[chunk])
        expect([`How do I open ${word(3 * i + 1)} today?`, `${word(i)} usage`]).toContain(text)
      }
    }

    const files = () => NAMES.map(name => readFileSync(join(cwd, 'data', name), 'utf8'))
    const before = files()
    const refused = await cli(args, { cwd, env })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/train_dataset\.json: it is there already.*--overwrite/)
    const again = await cliJson<Report>([...args, '--overwrite'], { cwd, env })
    expect(again.llmUse).toMatchObject({ requests: 0, cachedAnswers: 30 })
    expect(service.requests).toHaveLength(30)
    expect(files()).toEqual(before)
  })

  test('prints a table of what was kept and dropped', async () => {
    const service = opened(await startFakeChat({ say }))
    const cwd = folderWith(documents(30))
    const args = ['generate', 'docs/*.md', '--llm', 'openai', '--llm-base-url', service.url, '--format', 'beir', '--out', 'beir']
    const { code, stdout, stderr } = await cli(args, { cwd })
    expect(code).toBe(0)
    for (const line of [
      /^documents +30$/m,
      /^questions +60$/m,
      /^ {2}dropped: preamble +30$/m,
      /^requests +30$/m,
      /^cost +\$0\.00$/m,
      /^train +\d+ +30$/m,
    ])
      expect(stdout).toMatch(line)
    expect(stderr).toMatch(
      /30 chunks for openai\/gpt-4o-mini: 0 answered in the cache, 30 to ask for, about [\d,]+ tokens in and 2,100 out/,
    )
    expect(readdirSync(join(cwd, 'beir/qrels')).sort()).toEqual(['dev.tsv', 'test.tsv', 'train.tsv'])
    expect(readFileSync(join(cwd, 'beir/qrels/dev.tsv'), 'utf8').trim().split('\n').length).toBeGreaterThan(2)
  })

  test('by Cohere', async () => {
    const service = opened(await startFakeCohereChat({ say, apiKey: KEY }))
    const cwd = folderWith(documents(30))
    const report = await cliJson<Report>(['generate', 'docs', '--llm', 'cohere', '--llm-base-url', service.url], {
      cwd,
      env: { CO_API_KEY: KEY },
    })
    expect(report).toMatchObject({
      llm: 'cohere/command-r-08-2024',
      questions: { kept: 60 },
      llmUse: { inputTokens: 330, cost: null },
    })
  })

  test('one chunk that fails is listed with exit code 1, the others are written, and a rerun asks for it alone', async () => {
    const failing: Say = (prompt, request) =>
      chunkIn(prompt) === 4 ? { status: 422, body: { error: { message: 'not this one' } } } : say(prompt, request)
    const service = opened(await startFakeChat({ say: failing }))
    const cwd = folderWith(documents(30))
    const args = ['generate', 'docs', '--llm', 'openai', '--llm-model', 'm', '--concurrency', '1']
    const run = await cli([...args, '--llm-base-url', service.url, '--json'], { cwd })
    expect(run.code).toBe(1)
    const report = JSON.parse(run.stdout)
    expect(report.error).toEqual({
      code: 'PROVIDER_REQUEST',
      message: expect.stringMatching(
        /^1 of 30 chunks failed and have no questions in data; run again with --overwrite.*not this one/,
      ),
    })
    expect(report.chunks.failed).toEqual([expect.objectContaining({ file: 'docs/4.md', code: 'PROVIDER_REQUEST' })])
    expect(report.questions.kept).toBe(58)
    expect(run.stderr).toMatch(/warning: 1 chunk failed:\n {2}docs\/4\.md \(chunk [\w-]+\): .*HTTP 422/)
    const sizes = partsIn(cwd).map(({ corpus }) => Object.keys(corpus))

    const well = opened(await startFakeChat({ say }))
    const second = await cliJson<Report>([...args, '--llm-base-url', well.url, '--overwrite'], { cwd })
    expect(well.requests.map(request => chunkIn(promptOf(request)))).toEqual([4])
    expect(second.questions.kept).toBe(60)
    expect(partsIn(cwd).map(({ corpus }) => Object.keys(corpus))).toEqual(sizes)
  })

  test('--dry-run prints the estimate, and needs no key, makes no cache and sends nothing', async () => {
    const cwd = folderWith(documents(30))
    const args = ['generate', 'docs', '--llm', 'openai', '--dry-run']
    const { estimate } = await cliJson<{ estimate: Record<string, number> }>(args, { cwd })
    expect(estimate).toMatchObject({ chunks: 30, cached: 0, missing: 30, outputTokens: 2100 })
    expect(estimate.cost).toBeCloseTo((estimate.inputTokens * 0.15 + 2100 * 0.6) / 1e6, 12)
    const unknown = await cli([...args, '--llm-model', 'new-one'], { cwd })
    expect(unknown.stdout).toMatch(/30 documents, 30 chunks for openai\/new-one: .*cost unknown \(--llm-price\)/)
    const priced = await cli([...args, '--llm-model', 'new-one', '--llm-price', '10,20'], { cwd })
    expect(priced.stdout).toMatch(/about \$0\.\d\d/)
    expect(readdirSync(cwd)).toEqual(['docs'])
  })

  test('--max-cost refuses before the first request', async () => {
    const service = opened(await startFakeChat({ say }))
    const cwd = folderWith(documents(30))
    const args = [
      'generate',
      'docs',
      '--llm',
      'openai',
      '--llm-base-url',
      service.url,
      '--llm-price',
      '10,20',
      '--max-cost',
      '0.01',
    ]
    const { code, stderr } = await cli(args, { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(/error: the estimate is \$0\.\d+ for 30 chunks, above the limit of \$0\.01.*No request was sent/)
    expect(service.requests).toEqual([])
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  test('--prompt takes a template, and names what it lacks', async () => {
    const service = opened(await startFakeChat({ say }))
    const cwd = folderWith({ ...documents(30), 'p.txt': 'Ask {n} things of: {context}', 'bad.txt': 'Ask of {context}' })
    const args = ['generate', 'docs', '--llm', 'openai', '--llm-base-url', service.url, '--questions', '1']
    await cliJson([...args, '--prompt', 'p.txt'], { cwd })
    expect(promptOf(service.requests[0])).toMatch(/^Ask 1 things of: Part chunk-\d+: /)
    const mixed = ['--styles', 'misspelled', '--dry-run', '--styles', 'keyword,follow-up', '--questions', '3']
    expect((await cli(['generate', ...mixed, 'docs', '--llm', 'openai'], { cwd })).stdout).toMatch(/30 documents, 30 chunks/)
    const bad = await cli([...args, '--prompt', 'bad.txt', '--out', 'other'], { cwd })
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringMatching(/prompt template bad\.txt has no \{n\}/) })
    const styled = await cli([...args, '--prompt', 'p.txt', '--styles', 'keyword', '--out', 'other'], { cwd })
    expect(styled).toMatchObject({ code: 2, stderr: expect.stringMatching(/prompt template without \{styles\}/) })
  })

  test('--filter embeds with --base, out of the cache that training uses, and lists what it drops', async () => {
    const chat = opened(
      await startFakeChat({
        say: prompt => {
          const i = chunkIn(prompt)
          return {
            questions: [
              `how chunk ${i} ${word(i)} opens ${word(3 * i + 1)}`,
              i === 3 ? `how chunk 9 ${word(9)} opens ${word(28)} now` : `lost zebra${i}`,
            ],
          }
        },
      }),
    )
    const base = opened(await startFakeOpenAI({ dimensions: 256 }))
    const cwd = folderWith(documents(30))
    const args = ['generate', 'docs', '--llm', 'openai', '--llm-base-url', chat.url, '--base', 'openai', '--base-url', base.url]
    const filters = ['--filter', 'round-trip', '--filter-k', '1', '--filter', 'near-duplicates', '--filter-cosine', '0.9']
    const report = await cliJson<Report>([...args, ...filters], { cwd })
    const dropped = report.dropped.filter(({ reason }) => reason === 'round-trip').map(({ text }) => text)
    expect(dropped).toContain('lost zebra7')
    expect(dropped.filter(text => text.startsWith('lost')).length).toBeGreaterThan(20)
    expect(dropped.some(text => text.endsWith(' now'))).toBe(true)
    expect(report.questions.dropped['round-trip']).toBe(dropped.length)
    expect(report.questions.kept + dropped.length).toBe(60)
    const asked = base.requests.length
    const near = await cliJson<Report>([...args, '--filter', 'near-duplicates', '--filter-cosine', '0.8', '--out', 'near'], {
      cwd,
    })
    expect(near.dropped.filter(({ reason }) => reason === 'near-duplicate').map(({ text }) => text)).toEqual([
      expect.stringContaining('chunk 9'),
    ])
    expect(base.requests.length).toBe(asked)
    expect(chat.requests.length).toBe(30)
  })

  test('the key is in no output, no data set and no cache, also where a server quotes it', async () => {
    const service = opened(
      await startFakeChat({
        say: (prompt, { headers }) => ({
          questions: [`what is ${headers.authorization}`, `open ${word(chunkIn(prompt))}`],
        }),
      }),
    )
    const cwd = folderWith(documents(30))
    const { code, stdout, stderr } = await cli(['generate', 'docs', '--llm', 'openai', '--llm-base-url', service.url, '--json'], {
      cwd,
      env: { OPENAI_API_KEY: KEY },
    })
    expect(code).toBe(0)
    const written = ['data', 'cache'].flatMap(folder =>
      readdirSync(join(cwd, folder)).map(name => readFileSync(join(cwd, folder, name), 'latin1')),
    )
    expect(written.length).toBeGreaterThanOrEqual(4)
    for (const text of [stdout, stderr, ...written]) expect(text).not.toContain(KEY)
    expect(stdout + written.join()).toContain('[redacted]')
  })

  test('a folder with data sets of an earlier run does not turn them into documents', async () => {
    const cwd = folderWith(documents(30))
    await cliJson(['generate', '.', '--llm', 'none', '--format', 'jsonl'], { cwd })
    const again = await cliJson<Report>(['generate', '.', '--llm', 'none', '--format', 'jsonl', '--overwrite'], { cwd })
    expect(again.documents.read).toBe(30)
    expect(
      again.documents.skipped
        .filter(({ reason }) => /--out/.test(reason))
        .map(({ file }) => file)
        .sort(),
    ).toEqual(['data/test.jsonl', 'data/train.jsonl', 'data/val.jsonl'])
  })

  test.each([
    [['docs'], 2, /missing option --llm/],
    [['--llm', 'none'], 2, /missing argument/],
    [['docs', '--llm', 'opnai'], 2, /--llm must be one of openai, cohere, none.*did you mean openai/],
    [['docs', '--llm', 'none', '--llm-model', 'x'], 2, /--llm-model has no effect with --llm none/],
    [['docs', '--llm', 'openai', '--model', 'gpt-4o'], 2, /--model is for the embeddings of --filter.*--llm-model/],
    [['docs', '--llm', 'none', '--filter', 'round-trip'], 2, /--filter needs --base/],
    [
      ['docs', '--llm', 'none', '--filter', 'roundtrip', '--base', 'hashing'],
      2,
      /--filter must be of round-trip, near-duplicates/,
    ],
    [['docs', '--llm', 'none', '--filter-k', '3'], 2, /--filter-k is for --filter round-trip/],
    [['docs', '--llm', 'none', '--split', '0.5,0.1'], 2, /--split must be shares/],
    [['docs', '--llm', 'openai', '--styles', 'keywords'], 2, /did you mean keyword/],
    [['docs', '--llm', 'openai', '--llm-price', '3'], 2, /--llm-price must be two numbers/],
    [['docs', '--llm', 'openai'], 1, /no key for openai. Set OPENAI_API_KEY/],
    [['nowhere', '--llm', 'none'], 1, /nowhere/],
    [['docs/1.md', '--llm', 'none'], 1, /1 chunk is too few for train, validation, test/],
  ])('%j is refused', async (args, code, message) => {
    const cwd = folderWith(documents(3))
    const run = await cli(['generate', ...args], { cwd })
    expect(run.stderr).toMatch(message)
    expect(run.code).toBe(code)
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})

test('generate, train and evaluate run end to end without network', async () => {
  const cwd = folderWith()
  mkdirSync(join(cwd, 'docs'))
  for (let i = 0; i < 40; i++) {
    const paragraph = (p: number) =>
      `Paragraph ${p} on ${word(i)} says that ${word(i + p)} turns ${word(5 * i + p)} by hand. ${word(7 * i + p)} stops it.`
    writeFileSync(join(cwd, 'docs', `${i}.md`), `# Manual ${word(i)}\n\n${[1, 2, 3].map(paragraph).join('\n\n')}\n`)
  }
  const made = await cliJson<Report>(['generate', 'docs', '--llm', 'none', '--chunk-tokens', '64'], { cwd })
  expect(made.parts.train.questions).toBeGreaterThan(60)
  const data = ['--train', 'data/train_dataset.json', '--val', 'data/val_dataset.json', '--test', 'data/test_dataset.json']
  const trained = await cli([...data, '--base', 'hashing', '--dimensions', '64', '--tune', 'off', '--out', 'a.json', '--json'], {
    cwd,
  })
  expect([0, 3]).toContain(trained.code)
  expect(existsSync(join(cwd, 'a.json'))).toBe(true)
  const args = ['evaluate', '--base', 'hashing', '--dimensions', '64', '--data', 'data/test_dataset.json', '--adapter', 'a.json']
  const evaluated = await cliJson<{ queries: number; metrics: { base: Record<string, number> } }>(args, { cwd })
  expect(evaluated.queries).toBe(made.parts.test.questions)
  expect(evaluated.metrics.base['ndcg@10']).toBeGreaterThan(0)
  const inspected = await cliJson<{ overlap: { queryTexts: number; documentIds: number; documentTexts: number }[] }>(
    ['inspect', ...NAMES.map(name => `data/${name}`)],
    { cwd },
  )
  for (const shared of inspected.overlap) expect(shared).toMatchObject({ queryTexts: 0, documentIds: 0, documentTexts: 0 })
  expect(existsSync(join(cwd, 'cache/embeddings.sqlite'))).toBe(true)
  const db = new Sqlite(join(cwd, 'cache/embeddings.sqlite'), { readonly: true })
  expect(db.prepare('SELECT count(*) AS n FROM completions').get()).toEqual({ n: 0 })
  db.close()
})
