import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { convertAdapter } from '../../src/convert/convert-adapter.js'
import { expectRejection } from '../helpers/rejection.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adapter-card-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const sample = sampleAdapter('linear', 8)
const measured = {
  metrics: { base: { 'ndcg@10': 0.4388 }, adapted: { 'ndcg@10': 0.537 }, split: 'test' },
  difference: { 'ndcg@10': { mean: 0.0982, low: 0.0597, high: 0.1385, p: 0.0001 } },
  gate: { kept: true, passed: true, reason: 'passed: out-of-fold ndcg@10 +0.0515 (p < 0.001), significant' },
}

async function cardOf(training: Partial<Adapter['training']>): Promise<string> {
  const [file, card] = [join(folder, 'x.json'), join(folder, 'x.md')]
  saveAdapter({ ...sample, training: { ...sample.training, ...training } }, file)
  expect(await convertAdapter(file, card)).toMatchObject({ from: 'json', to: 'card' })
  return readFileSync(card, 'utf8')
}

describe('the model card', () => {
  test('has base, data, recipe, and every figure with its interval', async () => {
    const text = await cardOf({ ...measured, data: { sha256: 'ab', train: { queries: 1234, pairs: 1300 } } })
    expect(text).toContain('# Query adapter for openai/text-embedding-3-small@12\n')
    expect(text).toContain('- train: 1,234 queries, 1,300 pairs\n')
    expect(text).toContain('epochs 4\n')
    expect(text).toContain('| nDCG@10 | 0.439 | 0.537 | +0.098 | +0.060 to +0.139 | < 0.001 |\n')
    expect(text).toContain('Measured on: test.')
    expect(text).toMatch(/Gate .*passed: out-of-fold/)
    expect(text.match(/^```(ts|python)$/gm)).toHaveLength(5)
    expect(text).toContain('model="text-embedding-3-small:query"')
  })

  test('has the options of the base model as JSON, and of a projection its dimensions', async () => {
    const file = join(folder, 'base.json')
    const pca = { shape: [8, 20], data: Buffer.from(new Float32Array(160).buffer).toString('base64') } as const
    const provider = { name: 'compose', part: ['hashing', 'openai'], queryParams: { input_type: 'query', n: [1] }, pca }
    saveAdapter({ ...sample, base: { ...sample.base, provider } }, file)
    await convertAdapter(file, join(folder, 'base.md'))
    const text = readFileSync(join(folder, 'base.md'), 'utf8')
    expect(text).toContain(
      '- part: hashing,openai\n- queryParams: {"input_type":"query","n":[1]}\n- pca: 20 to 8\n'.replace(/[{}[\]_]/g, '\\$&'),
    )
    expect(text).not.toContain('object Object')
  })

  test('says what the figures cannot show: nothing held out, a rejected adapter, an interrupted run', async () => {
    expect(await cardOf({ metrics: {} })).toContain('no figure shows what the adapter gains')
    const rejected = { ...measured.metrics, adapted: measured.metrics.base, rejected: { 'ndcg@10': 0.4 } }
    const text = await cardOf({ ...measured, metrics: rejected, gate: { passed: false, reason: 'not significant' } })
    expect(text).toContain('| nDCG@10 | 0.439 | 0.400 | −0.039 |')
    expect(text).toContain('**The gate did not pass it.**')
    expect(await cardOf({ interrupted: { afterEpoch: 1 } })).toContain('**Training was interrupted.**')
  })

  test('holds texts of a stranger as text', async () => {
    const text = await cardOf({ tool: '<script>x</script> [a](http://b)' })
    expect(text).toContain('\\<script\\>x\\</script\\> \\[a\\](http://b)')
  })

  test('is not read back', async () => {
    await cardOf({})
    const card = join(folder, 'x.md')
    await expectRejection(convertAdapter(card, join(folder, 'y.json')), 'ADAPTER_FORMAT', /is not an adapter/)
  })
})
