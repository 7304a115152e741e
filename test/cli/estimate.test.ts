import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { countingOnce } from '../../src/cli/session.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { estimateEmbedding } from '../../src/embed/estimate.js'
import { fakeProvider } from '../embed/fake-provider.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const data = llamaIndex(60)
const corpus = [data.corpus.d0, ...Array.from({ length: 100 }, (_, i) => `document ${i}`)]
const cwd = folderWith({
  'a.json': data,
  'corpus.jsonl': corpus.map((text, id) => JSON.stringify({ id, text })).join('\n'),
})
const OPENAI = ['--base', 'openai', '--cache', 'none']

describe.concurrent('--estimate and --max-cost', () => {
  test('train and evaluate plan as they would embed, need no key, send and write nothing', async () => {
    const train = ['train', '--train', 'a.json', ...OPENAI, '--estimate', '--out', 'x.json']
    const plan = await cliJson<Record<string, number>>(train, { cwd })
    expect(plan).toMatchObject({ base: 'openai/text-embedding-3-small', cached: 0, cost: expect.any(Number) })
    expect(plan.missing).toBeGreaterThan(60)
    expect(existsSync(join(cwd, 'x.json'))).toBe(false)
    const sweep = ['sweep', '--train', 'a.json', '--grid', 'pull=10', ...OPENAI, '--estimate']
    expect(await cliJson(sweep, { cwd })).toMatchObject({ missing: 120 })
    const { code, stdout } = await cli(['evaluate', '--data', 'a.json', ...OPENAI, '--estimate'], { cwd })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^\d+ distinct texts for openai\/text-embedding-3-small: 0 from the cache; \d+ to embed \([\d,]+ tokens, about \$0\.\d+\)\n$/,
      ),
    })
  })

  test.each([
    ['train', '--train', 'a.json', ...OPENAI],
    ['evaluate', '--data', 'a.json', ...OPENAI],
    ['sweep', '--train', 'a.json', '--grid', 'pull=10', ...OPENAI],
    ['compare', '--data', 'a.json', '--candidate', 'openai', '--cache', 'none'],
  ])('%s refuses what costs more, before the first request', async (...args) => {
    const env = { OPENAI_API_KEY: 'sk-nothing', OPENAI_BASE_URL: 'http://127.0.0.1:9' }
    const { code, stderr } = await cli([...args, '--max-cost', '0.0000001'], { cwd, env })
    expect(stderr).toMatch(
      /--max-cost: expected at most \$1e-7, found an estimate of \$0\.\d+\. Raise it, or embed less\. Nothing was sent/,
    )
    expect(code).toBe(2)
  })

  test('train plans the documents of --corpus with the dataset, before any of them is sent', async () => {
    const train = ['train', '--train', 'a.json', '--corpus', 'corpus.jsonl', ...OPENAI, '--price', '100', '--tune', 'off']
    const plan = await cliJson<Record<string, number>>([...train, '--estimate'], { cwd })
    // 60 queries, 60 documents of the dataset, of which the corpus has one, and 100 others.
    expect(plan.missing).toBe(220)
    const env = { OPENAI_API_KEY: 'sk-nothing', OPENAI_BASE_URL: 'http://127.0.0.1:9' }
    const { code, stderr } = await cli([...train, '--max-cost', String(plan.cost * 0.99)], { cwd, env })
    expect(stderr).toContain(`found an estimate of $${plan.cost.toFixed(4)}. Raise it, or embed less. Nothing was sent`)
    expect(code).toBe(2)
  })

  test('a service without a known price is refused, a model on this machine is not', async () => {
    const args = ['evaluate', '--data', 'a.json', '--cache', 'none', '--max-cost', '0']
    const env = { OPENAI_API_KEY: 'sk-nothing' }
    const unknown = await cli([...args, '--base', 'openai', '--model', 'other', '--base-url', 'http://127.0.0.1:9'], {
      cwd,
      env,
    })
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('the price of') })
    expect((await cli([...args, '--base', 'hashing', '--dimensions', '16'], { cwd })).code).toBe(0)
  })
})

test('an estimate and the embedding after it count the tokens of each text once', async () => {
  const counted: string[] = []
  const provider = countingOnce(
    Object.assign(fakeProvider(), { countTokens: (text: string) => counted.push(text) && text.split(' ').length }),
  )
  const texts = ['one text', 'another longer text', 'one text']
  const estimate = await estimateEmbedding(provider, texts, 'query')
  await embedTexts(provider, texts, 'query')
  expect(counted).toEqual(['one text', 'another longer text'])
  expect(estimate.tokens).toBe(5)
})
