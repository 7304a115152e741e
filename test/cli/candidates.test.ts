import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCandidate, readCandidatesFile } from '../../src/cli/options/candidates.js'
import { rejection } from '../helpers/rejection.js'
import { folderWith } from './cli.js'

describe('a candidate in words', () => {
  test.each([
    ['hashing', { name: 'hashing', base: 'hashing' }],
    ['hashing@64', { name: 'hashing@64', base: 'hashing', dimensions: 64 }],
    ['openai+a/b.json', { name: 'openai+b', base: 'openai', adapter: 'a/b.json' }],
    ['openai:m-1@8+x.safetensors', { name: 'openai:m-1@8+x.safetensors', base: 'openai', model: 'm-1', dimensions: 8, adapter: 'x.safetensors' }],
    ['sbert:org/model', { name: 'sbert:model', base: 'sbert', model: 'org/model' }],
    ['sbert:C:\\models\\m@v2', { base: 'sbert', model: 'C:\\models\\m@v2' }],
    ['mine=cohere', { name: 'mine', base: 'cohere' }],
    ['a+b: c@1=hashing@8+a=b.json', { name: 'a+b: c@1', base: 'hashing', dimensions: 8, adapter: 'a=b.json' }],
    ['openai+a=hashing.json', { base: 'openai', adapter: 'a=hashing.json' }],
    ['vectors:dir/v', { name: 'vectors:v', base: 'vectors', vectors: 'dir/v' }],
    ['v=vectors:dir@2+x.json', { name: 'v', base: 'vectors', vectors: 'dir@2', adapter: 'x.json' }],
  ])('%s', (text, expected) => {
    const { options, ...spec } = parseCandidate(text)
    expect({ ...options, ...spec }).toMatchObject(expected)
  }) // biome-ignore format: a table

  test.each([
    ['', /there is no base ""/],
    ['opnai', /candidate "opnai": there is no base "opnai".*did you mean openai\?/],
    ['hash', /there is no base "hash".*did you mean hashing\?/],
    ['x=hashng@8', /there is no base "hashng".*did you mean hashing\?/],
    ['hashing+', /candidate "hashing\+": expected \[NAME=\]BASE/],
    ['=hashing', /expected \[NAME=\]BASE/],
    ['openai:', /expected \[NAME=\]BASE/],
    ['hashing:big', /candidate "hashing:big": --model has no effect with --base hashing/],
    ['vectors', /expected a folder, vectors:FOLDER/],
    ['a,b', /there is no base "a,b"/],
  ])('is refused as %j', (text, message) => {
    expect(() => parseCandidate(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
    )
  })
})

describe('a file of candidates', () => {
  const read = (name: string, content: unknown) => readCandidatesFile(join(folderWith({ [name]: content }), name))

  test.each(['list.yaml', 'list.json'])('has the options of its providers (%s)', async name => {
    const entry = {
      name: 'one',
      base: 'openai',
      adapter: 'a.json',
      model: 'm',
      dimensions: 8,
      baseUrl: 'http://localhost:1/v1',
      'base-id': 'mine',
      queryPrefix: 'q: ',
      maxInputTokens: 9,
      batchInputs: 3,
      concurrency: 2,
      timeout: 0.5,
      price: 0,
    }
    const local = { base: 'sbert', dtype: 'q8', device: 'cpu', pooling: 'cls', normalize: false, revision: 'r' }
    const content = name.endsWith('json') ? [entry, local] : [entry, local].map(toYaml).join('')
    const { name: _, base, adapter, 'base-id': baseId, ...options } = entry
    expect(await read(name, content)).toEqual([
      { name: 'one', base, vectors: undefined, adapter, options: { ...options, baseId } },
      expect.objectContaining({ name: 'sbert', base: 'sbert' }),
    ])
  })

  test('may have a folder of vectors, with its base id', async () => {
    const [spec] = await read('v.yaml', '- { vectors: my/v, base-id: theirs }')
    expect(spec).toMatchObject({ name: 'vectors:v', base: 'vectors', vectors: 'my/v', options: { baseId: 'theirs' } })
  })

  test.each<[string, string, unknown, RegExp]>([
    ['an empty file', 'f.yaml', '# none\n', /f\.yaml: expected a list of candidates, .*found nothing/],
    ['an empty list', 'f.json', [], /found an empty list/],
    ['a text', 'f.yaml', 'hashing', /found "hashing"/],
    ['another name', 'f.yaml', 'candidate: [hashing]', /found an object with "candidate" \(did you mean "candidates"\?\)/],
    ['more beside the list', 'f.json', { candidates: ['hashing'], data: 'x' }, /found an object with "candidates", "data"$/],
    ['an unknown key', 'f.yaml', '- hashing\n- base: openai\n  modle: x\n', /entry 2: unknown key "modle" \(did you mean "model"\?\)/],
    ['a key of a service', 'f.yaml', '- base: openai\n  api_key: sk-1\n', /entry 1: "api_key" has no place in a file; keys come from the environment/],
    ['an unknown base', 'f.json', [{ base: 'cohre' }], /entry 1: there is no base "cohre".*did you mean cohere\?/],
    ['no base', 'f.json', [{ model: 'x' }], /entry 1: has no "base"/],
    ['an entry that is none', 'f.json', [7], /entry 1: expected a text or an object with a "base"/],
    ['a text for a number', 'f.yaml', '- base: openai\n  dimensions: "8"\n', /entry 1: "dimensions" must be a number, found "8"/],
    ['a number below 1', 'f.json', [{ base: 'openai', dimensions: 0 }], /entry 1: "dimensions" must be a whole number of at least 1, found 0/],
    ['a wrong choice', 'f.yaml', '- base: sbert\n  pooling: max\n', /"pooling" must be one of mean, cls, last_token, found "max"/],
    ['a key twice', 'f.json', [{ base: 'openai', baseUrl: 'a', 'base-url': 'b' }], /"base-url" is given twice/],
    ['a key without effect', 'f.json', [{ base: 'hashing', model: 'x' }], /entry 1: model has no effect with --base hashing/],
    ['a folder for a model', 'f.json', [{ base: 'openai', vectors: 'v' }], /entry 1: "vectors" goes with base vectors/],
    ['no folder', 'f.json', [{ base: 'vectors' }], /entry 1: base vectors needs "vectors", a folder/],
    ['a wrong entry in words', 'f.json', ['opnai'], /entry 1: candidate "opnai": there is no base/],
    ['YAML that is none', 'f.yaml', '- base: [openai\n', /f\.yaml: is not YAML: .*line 2/],
    ['JSON that is none', 'f.json', '[{]', /f\.json: is not JSON/],
  ])('is refused with %s', async (_, name, content, message) => {
    const error = await rejection(read(name, content))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) })
    expect(error.message).not.toContain('sk-1')
  }) // biome-ignore format: a table

  test('has to be there', async () => {
    expect(await rejection(readCandidatesFile('nowhere.yaml'))).toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: '--candidates nowhere.yaml: there is no such file',
    })
    expect(await rejection(readCandidatesFile(folderWith()))).toMatchObject({ code: 'FILE_READ' })
  })
})

function toYaml(entry: object): string {
  return Object.entries(entry)
    .map(([key, value], i) => `${i === 0 ? '- ' : '  '}${key}: ${JSON.stringify(value)}\n`)
    .join('')
}
