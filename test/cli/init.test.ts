import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { COMMAND_OPTIONS } from '../../src/cli/commands/index.js'
import { trainCommand } from '../../src/cli/commands/train.js'
import { readConfigFile } from '../../src/cli/config-file.js'
import { camel, readValue } from '../../src/cli/options/rows.js'
import { SPLIT_DEFAULTS, TUNE_BUDGET } from '../../src/pipeline/defaults.js'
import { TRAIN_DEFAULTS } from '../../src/train/options.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const CONFIG = 'adapter-train.yaml'
const SAMPLE = resolve('examples/data')

const config = (cwd: string, name = CONFIG): Record<string, unknown> => parse(readFileSync(join(cwd, name), 'utf8'))
const csv = (header: string): string =>
  `${header}\n${Array.from({ length: 30 }, (_, i) => `${i},how do I mend pump ${i}?,"Mending pump ${i}: open its cover, then turn key ${i}."`).join('\n')}\n`
const documents = Object.fromEntries(
  Array.from({ length: 8 }, (_, i) => [
    `manual/part-${i}.md`,
    `# Pump ${i}\n\nPump ${i} moves water through pipe ${i}. When it stops, open cover ${i} and look for what blocks wheel ${i}.\n`,
  ]),
)

let server: FakeService
beforeAll(async () => {
  server = await startFakeOpenAI({ dimensions: 8, apiKey: 'sk-right-0123456789abcdef' })
})
afterAll(() => server?.close())

describe.concurrent('with options alone', () => {
  test('writes a file that trains as it stands, after a trial', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(60), 'test.json': llamaIndex(60, { from: 60, documents: 60 }) })
    const flags = ['--data', 'train.json', '--base', 'hashing', '--goal', 'small']
    const { code, stdout, stderr } = await cli(['init', ...flags], { cwd })
    expect({ code, stderr: stderr.replace(/^\d+ distinct texts .*\n/, '') }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^data {7}llamaindex; train: train\.json, 60 queries, 60 documents\n/)
    expect(stdout).toMatch(/test: test\.json, 60 queries/)
    expect(stdout).toMatch(/60 labelled queries are few/)
    expect(stdout).toMatch(/estimate {3}\d+ texts to embed, [\d,]+ tokens, no cost\n/)
    expect(stdout).toMatch(
      /ndcg@10 of the base model [01]\.\d{4}; an adapter changes it by [+-]0\.\d{4} out of fold \(5 folds, 95% CI /,
    )
    expect(stdout).toMatch(/\nnext\n {2}adapter-train train --config adapter-train\.yaml\n$/)
    expect(config(cwd)).toEqual({
      train: 'train.json',
      test: 'test.json',
      base: 'hashing',
      kind: 'low-rank',
      out: 'adapters/hashing-words-char3-5-512.json',
    })
    const report = await cliJson(['train', '--config', CONFIG, '--tune-budget', '3', '--no-gate'], { cwd })
    expect(report).toMatchObject({ adapter: 'adapters/hashing-words-char3-5-512.json', kind: 'low-rank' })
  })

  test('the comments are those of help, and the defaults in them those of the library', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(300, { documents: 90 }) })
    await cliJson(['init', '--data', 'train.json', '--base', 'hashing', '--goal', 'quality', '--no-trial'], { cwd })
    const text = readFileSync(join(cwd, CONFIG), 'utf8')
    const shown = parse(text.replace(/^#(?=[\w-]+: )/gm, '')) as Record<string, unknown>
    expect(shown).toMatchObject({
      kind: TRAIN_DEFAULTS.kind,
      metric: TRAIN_DEFAULTS.metric,
      seed: TRAIN_DEFAULTS.seed,
      engine: TRAIN_DEFAULTS.engine,
      'tune-budget': TUNE_BUDGET,
      'pseudo-queries': 'auto',
      'min-gain': 0,
      'test-fraction': SPLIT_DEFAULTS.testFraction,
      'split-by': SPLIT_DEFAULTS.splitBy,
    })
    for (const [name, value] of Object.entries(shown)) {
      const { default: standard, describe: help } = trainCommand.options[name]
      if (!new RegExp(`^${name}:`, 'm').test(text) && standard !== undefined) expect(value).toEqual(standard)
      if (!['train', 'out'].includes(name)) {
        expect(text.replace(/\n# /g, ' ')).toContain(help)
      }
    }
    const all = folderWith({ 'all.yaml': text.replace(/^#(?=[\w-]+: )/gm, '') })
    expect(readConfigFile(join(all, 'all.yaml'), 'train', COMMAND_OPTIONS)).toEqual(shown)
  })

  test.each([
    [
      ['--base', 'openai', '--base-url', 'http://127.0.0.1:9', '--query-param', 'input_type=query', '--query-param', 'n=5'],
      { queryParam: { input_type: 'query', n: 5 }, cache: 'cache/embeddings.sqlite' },
    ],
    [
      ['--base', 'compose', '--part', 'hashing?dimensions=64', 'hashing?dimensions=96', '--cache', 'other.sqlite'],
      { part: ['hashing?dimensions=64', 'hashing?dimensions=96'], cache: 'other.sqlite' },
    ],
  ])('%j is read back from the file as it was given', async (flags, expected) => {
    const cwd = folderWith({ 'train.json': llamaIndex(40) })
    await cliJson(['init', '--data', 'train.json', ...flags, '--goal', 'quality', '--no-trial'], { cwd })
    const read = readConfigFile(join(cwd, CONFIG), 'train', COMMAND_OPTIONS)
    const options = { cache: trainCommand.options.cache.default, ...read }
    const values = Object.entries(options).map(([name, value]) => [
      camel(name),
      readValue(name, trainCommand.options[name], value),
    ])
    expect(Object.fromEntries(values)).toMatchObject(expected)
  })

  test('the sample data is copied where the package is elsewhere, and used where it stands otherwise', async () => {
    const cwd = folderWith()
    const flags = ['init', '--sample', '--base', 'hashing', '--goal', 'quality', '--no-trial']
    await cliJson(flags, { cwd })
    expect(config(cwd)).toMatchObject({
      train: 'sample-data/train_dataset.json',
      val: 'sample-data/val_dataset.json',
      test: 'sample-data/test_dataset.json',
    })
    const [copy, original] = [join(cwd, 'sample-data'), SAMPLE].map(at => readFileSync(join(at, 'test_dataset.json')))
    expect(copy.equals(original)).toBe(true)
    const out = join(folderWith(), 'x.yaml')
    await cliJson([...flags, '--out', out], { cwd: resolve('.') })
    expect(parse(readFileSync(out, 'utf8')).train).toBe('examples/data/train_dataset.json')
    const taken = folderWith({ 'sample-data/val_dataset.json': '{}' })
    const { code, stderr } = await cli(flags, { cwd: taken })
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/another file of that name is there/),
    })
    expect(readdirSync(taken)).toEqual(['sample-data'])
  })

  test('--json is one object with data, base, trial and what to run next', async () => {
    const cwd = folderWith({ 'train_dataset.json': llamaIndex(40), 'val_dataset.json': llamaIndex(12) })
    const report = await cliJson(['init', '--yes', '--base', 'hashing', '--goal', 'prove'], { cwd })
    expect(report).toMatchObject({
      config: CONFIG,
      goal: 'prove',
      kFold: 5,
      problems: [],
      data: { kind: 'dataset', format: 'llamaindex', counts: { train: { queries: 40 }, validation: { queries: 12 } } },
      base: { name: 'hashing', dimensions: 512, key: 'not needed' },
      trial: { metric: 'ndcg@10', data: { queries: 40 }, folds: 5 },
      time: { train: expect.any(Number) },
      next: ['adapter-train train --config adapter-train.yaml'],
    })
    expect(JSON.stringify(report)).toContain('12 of the 12 queries of val_dataset.json are training queries too')
    expect(config(cwd)).toMatchObject({ 'k-fold': 5, report: 'report.html', val: 'val_dataset.json' })
  })

  test('a truncated index has half the dimensions where nothing is said, and no more than the base', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(40) })
    const flags = ['init', '--data', 'train.json', '--base', 'hashing', '--dimensions', '64', '--goal', 'truncated']
    await cliJson([...flags, '--yes', '--no-trial'], { cwd })
    expect(config(cwd)).toMatchObject({ dimensions: 64, 'dimensions-out': 32 })
    const { code, stderr } = await cli([...flags, '--dimensions-out', '64', '--force'], { cwd })
    expect(stderr).toMatch(/--dimensions-out must be a whole number from 1 to 63, less than the 64 of the base; found 64/)
    expect(code).toBe(2)
  })

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /give --data \(or --sample\), --base, --goal, or --yes for the defaults$/],
    ['data', ['--data', 'set.json'], /: give --base, --goal, or --yes for the defaults$/],
    ['a goal that needs a number', ['--sample', '--base', 'hashing', '--goal', 'truncated'], /: give --dimensions-out, or /],
    ['--yes where there is no data', ['--yes'], /found no data here: give --data PATH, or --sample$/],
    ['sample and data', ['--yes', '--sample', '--data', 'x'], /--sample cannot be combined with --data/],
    ['a file that is not YAML', ['--yes', '--out', 'x.json'], /expected a name such as x\.yaml, found "x\.json"/],
    ['a wrong goal', ['--goal', 'best'], /--goal must be one of quality, small, truncated, prove/],
    [
      'an option of another base',
      ['--sample', '--yes', '--base', 'hashing', '--model', 'm'],
      /--model has no effect with --base/,
    ],
    ['dimensions without their goal', ['--sample', '--yes', '--dimensions-out', '4'], /goes with --goal truncated/],
  ])('%s is wrong usage, and writes nothing', async (_, args, message) => {
    const cwd = folderWith({ 'set.json': llamaIndex(10) })
    const { code, stderr } = await cli(['init', ...args], { cwd })
    expect({ code, stderr: stderr.split('\n').at(-2) }).toEqual({ code: 2, stderr: expect.stringMatching(message) })
    expect(readdirSync(cwd)).toEqual(['set.json'])
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a file that is not there', {}, /data\.json does not exist/],
    ['something else', { 'data.json': '{"a": 1}' }, /is not a dataset in a known format/],
    ['too few queries', { 'data.json': llamaIndex(5) }, /5 labelled queries; with fewer than 10 nothing can be learned/],
    ['an empty file', { 'data.json': '' }, /is empty/],
  ])('data that is %s fails, and writes nothing', async (_, files, message) => {
    const cwd = folderWith(files)
    const { code, stderr } = await cli(['init', '--yes', '--data', 'data.json'], { cwd })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) })
    expect(readdirSync(cwd)).toEqual(Object.keys(files))
  })

  test('what is invalid is listed and left out, also by the file that is written', async () => {
    const data = llamaIndex(40)
    const relevant_docs = { ...data.relevant_docs, q3: ['d999'] }
    const cwd = folderWith({ 'train.json': { ...data, relevant_docs } })
    const { code, stdout, stderr } = await cli(['init', '--data', 'train.json', '--yes', '--no-trial'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/! \d invalid entr.+ left out \(skip-invalid\)/)
    expect(stderr).toMatch(/d999/)
    expect(config(cwd)).toMatchObject({ 'skip-invalid': true })
  })

  test('the parts of a BEIR folder, and of a folder that import writes, are taken along', async () => {
    const lines = (name: string) => Array.from({ length: 20 }, (_, i) => `{"_id": "${name}${i}", "text": "${name} ${i}"}\n`)
    const qrels = (from: number, to: number) =>
      `query-id\tcorpus-id\tscore\n${Array.from({ length: to - from }, (_, i) => `q${from + i}\td${from + i}\t1\n`).join('')}`
    const cwd = folderWith({
      'beir/corpus.jsonl': lines('d').join(''),
      'beir/queries.jsonl': lines('q').join(''),
      'beir/qrels/train.tsv': qrels(0, 14),
      'beir/qrels/test.tsv': qrels(14, 20),
      'data/train_dataset.json': llamaIndex(20),
      'data/test_dataset.json': llamaIndex(6, { from: 20 }),
    })
    const flags = ['init', '--base', 'hashing', '--goal', 'quality', '--no-trial', '--force', '--data']
    await cliJson([...flags, 'beir'], { cwd })
    expect(config(cwd)).toMatchObject({ train: 'beir/qrels/train.tsv', test: 'beir/qrels/test.tsv' })
    await cliJson([...flags, 'data'], { cwd })
    expect(config(cwd)).toMatchObject({ train: 'data/train_dataset.json', test: 'data/test_dataset.json' })
  })

  test('a file that is there is kept without --force', async () => {
    const cwd = folderWith({ 'train.json': llamaIndex(30), [CONFIG]: 'seed: 1\n' })
    const flags = ['init', '--data', 'train.json', '--base', 'hashing', '--goal', 'quality', '--no-trial']
    const kept = await cli(flags, { cwd })
    expect(kept).toMatchObject({ code: 1, stderr: expect.stringMatching(/is there already; .+ --force/) })
    expect(config(cwd)).toEqual({ seed: 1 })
    expect((await cli([...flags, '--force'], { cwd })).code).toBe(0)
    expect(config(cwd)).toMatchObject({ base: 'hashing' })
  })
})

describe.concurrent('data that cannot be trained on yet', () => {
  test.each<[string, string, string]>([
    ['id,question,answer', 'question', 'answer'],
    ['nr,Kundentext,Loesung', 'Kundentext', 'Loesung'],
    ['query_no,query,reply', 'query', 'reply'],
  ])('a CSV with the columns %s leads to an import that works', async (header, query, document) => {
    const cwd = folderWith({ 'faq.csv': csv(header) })
    const report = await cliJson<{ next: string[] }>(['init', '--yes', '--data', 'faq.csv'], { cwd })
    const line = `adapter-train import faq.csv --query ${query} --document ${document} --out data`
    expect(report).toMatchObject({
      config: null,
      kind: 'columns',
      next: [line, 'adapter-train init --data data/train_dataset.json'],
    })
    expect(existsSync(join(cwd, CONFIG))).toBe(false)
    if (header !== 'id,question,answer') return
    for (const [i, next] of report.next.entries()) {
      const { code, stderr } = await cli([...next.split(' ').slice(1), ...(i === 1 ? ['--yes', '--no-trial'] : [])], {
        cwd,
      })
      expect({ code, stderr }).toMatchObject({ code: 0 })
    }
    expect(config(cwd)).toMatchObject({ train: 'data/train_dataset.json', test: 'data/test_dataset.json' })
  })

  test('a folder of documents leads to generate, with what it costs', async () => {
    const cwd = folderWith(documents)
    const { code, stdout } = await cli(['init', '--yes', '--data', 'manual'], { cwd, env: { OPENAI_API_KEY: 'sk-x' } })
    expect(code).toBe(0)
    expect(stdout).toMatch(/manual holds documents \(8 \.md\) and no queries/)
    expect(stdout).toMatch(/openai\/gpt-4o-mini is asked 8 times, about [\d,]+ tokens in and [\d,]+ out, about \$0\.\d{4}/)
    expect(stdout).toMatch(
      /\nnext\n {2}adapter-train generate manual --llm openai --out data\n {2}adapter-train init --data data\/train_dataset\.json\n$/,
    )
    const without = await cliJson(['init', '--yes', '--data', 'manual'], { cwd })
    expect(without).toMatchObject({ llm: 'none', next: [expect.stringContaining('--llm none'), expect.anything()] })
    expect(readdirSync(cwd)).toEqual(['manual'])
  })
})

describe.concurrent('with a service', () => {
  const files = { 'train.json': llamaIndex(30) }
  const flags = ['--data', 'train.json', '--base', 'openai', '--goal', 'quality']

  test('a key that is missing is named, and the rest is done', async () => {
    const cwd = folderWith(files)
    const { code, stdout, stderr } = await cli(['init', ...flags], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/no key for openai: OPENAI_API_KEY is not set\n/)
    expect(stdout).toMatch(/texts to embed, [\d,]+ tokens, (less than|about) \$0\.\d+ \(prices of /)
    expect(stdout).toMatch(/\nnext\n {2}export OPENAI_API_KEY=\.\.\.\n {2}adapter-train train --config /)
    expect(stderr).toMatch(/^warning: no key/)
    expect(config(cwd)).toMatchObject({ base: 'openai', out: 'adapters/openai-text-embedding-3-small.json' })
  })

  test('nothing is sent and no key shown without --check or --trial', async () => {
    const own = await startFakeOpenAI({ dimensions: 8, apiKey: 'sk-right-0123456789abcdef' })
    try {
      const env = { OPENAI_API_KEY: 'sk-right-0123456789abcdef', OPENAI_BASE_URL: own.url }
      const cwd = folderWith(files)
      const quiet = await cli(['init', ...flags, '--yes'], { cwd, env })
      expect(quiet.code).toBe(0)
      expect(quiet.stdout).toMatch(/trial {6}none was made; --trial sends \d+ texts, .+ to openai/)
      expect(own.requests).toHaveLength(0)
      const checked = await cliJson(['init', ...flags, '--check', '--force'], { cwd, env })
      expect(checked).toMatchObject({ checked: 8, base: { key: 'set', keyVariable: 'OPENAI_API_KEY' } })
      expect(own.requests).toHaveLength(1)
      const tried = await cliJson(['init', ...flags, '--trial', '--force'], { cwd, env })
      expect(tried).toMatchObject({ trial: { data: { queries: 30 }, embedded: { texts: 60 } } })
      expect(
        [quiet.stdout, quiet.stderr, JSON.stringify([checked, tried]), readFileSync(join(cwd, CONFIG), 'utf8')].join(),
      ).not.toContain('sk-right-0123456789abcdef')
    } finally {
      await own.close()
    }
  })

  test('a key that is refused is said, and the file is written all the same', async () => {
    const cwd = folderWith(files)
    const env = { OPENAI_API_KEY: 'sk-wrong-0123456789abcdef', OPENAI_BASE_URL: server.url }
    const { code, stderr, stdout } = await cli(['init', ...flags, '--trial'], { cwd, env })
    expect(code).toBe(0)
    expect(stderr).toMatch(/warning: the base could not be tried: .+401/)
    expect(`${stdout}${stderr}`).not.toContain('sk-wrong-0123456789abcdef')
    expect(config(cwd)).toMatchObject({ base: 'openai' })
  })
})
