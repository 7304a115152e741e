import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMAND_OPTIONS } from '../../src/cli/commands/index.js'
import { completeWords } from '../../src/cli/complete-words.js'
import { readConfigFile } from '../../src/cli/config-file.js'
import { checkProviderArgs, openProvider, type ProviderArgs, withBaseOf } from '../../src/cli/options/provider-options.js'
import { parseArgs } from '../../src/cli/parse-args.js'
import { providerNames } from '../../src/providers/index.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

const parse = async (...words: string[]) =>
  (await parseArgs(['embed', 'a.json', ...words], 'embed', path =>
    readConfigFile(path, 'embed', COMMAND_OPTIONS),
  )) as ProviderArgs

describe('--base', () => {
  test('takes every preset, a package of the AI SDK and a module', async () => {
    for (const base of ['voyage', 'tei', 'ai-sdk:@ai-sdk/google', './embedder.mjs']) {
      expect((await parse('--base', base)).base).toBe(base)
    }
    await expect(parse('--base', 'voyge')).rejects.toThrow(/did you mean voyage\?/)
  })

  test('names code on the command line alone, never in a config file', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'config-')), 'c.json')
    for (const base of ['./embedder.mjs', 'ai-sdk:@ai-sdk/google']) {
      writeFileSync(path, JSON.stringify({ base }))
      await expect(parse('--config', path)).rejects.toThrow(/"base" names code, which is only taken from the command line/)
    }
    writeFileSync(path, JSON.stringify({ base: 'voyage', queryParam: ['truncation=true'] }))
    expect(await parse('--config', path)).toMatchObject({ base: 'voyage', queryParam: { truncation: true } })
  })

  test('is completed with the presets', () => {
    expect(completeWords(['embed', '--base', ''])).toEqual([...providerNames])
    expect(completeWords(['embed', '--base', 'm'])).toEqual(['mistral', 'mixedbread'])
  })
})

describe('--query-param and --document-param', () => {
  test('are fields of the requests, read as JSON where they are JSON', async () => {
    const args = await parse(
      ...['--base', 'openai', '--base-url', 'http://localhost:1', '--model', 'm', '--query-param', 'input_type=query'],
      ...['--query-param', 'n=2', '--query-param=x={"a":[1]}', '--document-param', 'text=a=b', '--document-param', 'e="1"'],
    )
    expect(args.queryParam).toEqual({ input_type: 'query', n: 2, x: { a: [1] } })
    expect(args.documentParam).toEqual({ text: 'a=b', e: '1' })
    const { id } = await openProvider('openai', { ...args, documentParam: undefined })
    expect(id).toBe('openai/m?query.input_type=query&query.n=2&query.x=%7B%22a%22%3A%5B1%5D%7D')
  })

  test.each(['input_type', '=query', 'a b=c', 'a='])('of another form are refused: %j', async value => {
    await expect(parse('--base', 'openai', '--query-param', value)).rejects.toThrow(/--query-param must be NAME=VALUE/)
  })

  test('come from the adapter file where the base does', async () => {
    const provider = { name: 'openai', model: 'm', queryParams: { input_type: 'query' } }
    const adapter = { ...sampleAdapter('linear'), base: { id: 'x', dimensions: 12, normalized: true, provider } }
    const args = await parse('--cache', 'none')
    expect(await withBaseOf(args, adapter)).toMatchObject({ base: 'openai', queryParam: { input_type: 'query' } })
    const given = await parse('--query-param', 'input_type=other')
    expect((await withBaseOf(given, adapter)).queryParam).toEqual({ input_type: 'other' })
  })

  test.each(['cohere', 'sbert', 'hashing', './embedder.mjs'])('mean nothing to %s, which is said', base => {
    expect(() => checkProviderArgs(base, { cache: 'none', queryParam: { a: 1 } })).toThrow(
      /--query-param has no effect with --base .*; expected --base openai, /,
    )
  })
})

test.each([
  ['compose', 'batchInputs'],
  ['hashing', 'concurrency'],
  ['sbert', 'concurrency'],
  ['sbert', 'timeout'],
] as const)('--base %s refuses %s, which it does not use', (base, option) => {
  const args = { cache: 'none', [option]: 1 }
  expect(() => checkProviderArgs(base, args)).toThrow(/has no effect with --base .*; expected --base openai, /)
})
