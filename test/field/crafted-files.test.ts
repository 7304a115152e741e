import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeEach, expect, test } from 'vitest'
import { encodeAdapter, loadAdapter } from '../../src/adapters/file.js'
import { decodeSafetensors, encodeSafetensors } from '../../src/adapters/safetensors.js'
import { decodeTerms, encodeTerms } from '../../src/adapters/terms-file.js'
import { openCache } from '../../src/cache/sqlite-cache.js'
import { history } from '../../src/cli/actions/history.js'
import { readConfigFile } from '../../src/cli/config-file.js'
import { readCandidatesFile } from '../../src/cli/options/candidates.js'
import { integer, list, name } from '../../src/cli/options/rows.js'
import { convertAdapter } from '../../src/convert/convert-adapter.js'
import { decodeTorchFile } from '../../src/convert/torch/file.js'
import { unpickleStateDict } from '../../src/convert/torch/unpickle.js'
import { decodeZip, encodeZip } from '../../src/convert/torch/zip.js'
import { readQueryField } from '../../src/dataset/query-field.js'
import { readDataset } from '../../src/dataset/read.js'
import { AdapterTrainError } from '../../src/errors.js'
import { readNamedFile } from '../../src/files.js'
import { listVersions } from '../../src/history/versions.js'
import { matrix } from '../../src/math/matrix.js'
import { encodeState, openCheckpoint } from '../../src/train/checkpoint.js'
import { buildFeedbackOf, buildWords } from '../../src/train/terms/corpus-terms.js'
import { readVectors } from '../../src/vectors/read-vectors.js'
import { expectRejection } from '../helpers/rejection.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'field-'))
})

const put = (file: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, file), content)
  return join(folder, file)
}

const convert = (input: string) => convertAdapter(input, join(folder, 'out.json'), { baseId: 'x/y' })

/** A named pipe that nobody writes to. */
const pipe = (file: string): string => {
  execFileSync('mkfifo', [join(folder, file)])
  return join(folder, file)
}

test.skipIf(process.platform === 'win32')('a pipe in the place of a file is refused, not waited for', async () => {
  const json = (file: string, value: unknown) => put(file, JSON.stringify(value))
  json('pairs.json', [[0, 0]])
  json('shape.json', { dim: 1 })
  for (const name of ['docs.npy', 'docs.f32', 'docs.jsonl']) {
    put('queries.jsonl', '[1]\n')
    const docs = pipe(name)
    await expectRejection(readVectors(folder), 'FILE_READ', /expected a file or folder, found a device or pipe/)
    rmSync(docs)
  }
  mkdirSync(join(folder, 'beir/qrels'), { recursive: true })
  put('beir/qrels/test.tsv', 'q\td\t1\n')
  put('beir/queries.jsonl', '{"_id":"q","text":"a"}\n')
  pipe('beir/corpus.jsonl')
  await expectRejection(readDataset(join(folder, 'beir')), 'FILE_READ', /found a device or pipe/)
  await expectRejection(openCache(pipe('cache.sqlite')), 'CACHE_OPEN', /expected a file, found a device or pipe/)
  expect(caught(() => listVersions(pipe('adapter.json'))).message).toMatch(/cannot read .*expected a regular file/)
})

const caught = (act: () => unknown): AdapterTrainError => {
  try {
    act()
  } catch (error) {
    if (error instanceof AdapterTrainError) return error
    throw error
  }
  throw new Error('was not refused')
}

const withinMs = (limit: number, act: () => void): void => {
  const started = performance.now()
  act()
  expect(performance.now() - started).toBeLessThan(limit)
}

function safetensorsOf(header: unknown, data = 80): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, Buffer.alloc(data)])
}

const W = { dtype: 'F32', shape: [4, 4], data_offsets: [0, 64] }
const b = { dtype: 'F32', shape: [4], data_offsets: [64, 80] }

test.each([
  ['dtype', { W: { ...W, dtype: { toString: 1 } }, b }, /tensor "W": "dtype" must be a text, found an object/],
  ['dtype', { W: { ...W, dtype: null }, b }, /tensor "W": "dtype" must be a text/],
  ['shape', { W: { ...W, shape: [4, { valueOf: 1 }] }, b }, /tensor "W": "shape" must be a list of whole numbers/],
  ['shape', { W: { ...W, shape: '4,4' }, b }, /tensor "W": "shape" must be/],
  ['range', { W: { ...W, data_offsets: ['0', '64'] }, b }, /"data_offsets" must be two places/],
  ['range', { W: { ...W, data_offsets: [0, 1e12] }, b }, /"data_offsets" must be two places/],
  ['metadata', { __metadata__: { format: 'adapter-train/1', kind: {} }, W, b }, /"kind" must be a text, found an object/],
  ['metadata', { __metadata__: [1], W, b }, /"__metadata__" must be an object, found \[1\]/],
  ['tensor', { W: 7, b }, /tensor "W": expected an object, found 7/],
])('a field of a safetensors header of the wrong type (%s) is an error of the file', async (_, header, message) => {
  await expectRejection(convert(put('a.safetensors', safetensorsOf(header))), 'ADAPTER_FORMAT', message)
})

test('a safetensors header that ends after the file, or is nested deep, is an error of the file', async () => {
  const file = safetensorsOf({ W, b })
  file.writeBigUInt64LE(2n ** 40n)
  await expectRejection(convert(put('a.safetensors', file)), 'ADAPTER_CORRUPT', /header should end at byte 1099511627784/)
  const deep = Buffer.from(`{"W":${'['.repeat(5000)}${']'.repeat(5000)}}`)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(deep.length))
  await expectRejection(convert(put('b.safetensors', Buffer.concat([head, deep]))), 'ADAPTER_FORMAT', /512 levels/)
})

test('a negative or fractional shape of a tensor is an error that names the shape', async () => {
  mkdirSync(join(folder, 'dense'))
  put('dense/config.json', JSON.stringify({ activation_function: 'torch.nn.modules.linear.Identity' }))
  for (const shape of [
    [-4, 4],
    [4, -1],
    [2.5, 4],
  ]) {
    put('dense/model.safetensors', safetensorsOf({ 'linear.weight': { ...W, shape } }, 64))
    const error = await expectRejection(convert(join(folder, 'dense')), 'ADAPTER_FORMAT', /"shape" must be a list/)
    expect(error.message).toContain(`found ${JSON.stringify(shape)}`)
  }
})

const adapterText = encodeAdapter(sampleAdapter('linear', 4))

test('JSON that is nested too deep is refused when it is read', async () => {
  const deep = adapterText.replace('"training": {', `"training": { "x": ${'[{"a":'.repeat(3000)}1${'}]'.repeat(3000)},`)
  const path = put('deep.json', deep)
  await expectRejection(convert(path), 'ADAPTER_FORMAT', /deep\.json .*at most 512 levels of nesting/)
  expect(caught(() => loadAdapter(path)).message).toMatch(/at most 512 levels of nesting/)
  const brackets = adapterText.replace('"training": {', `"training": { "x": "${'['.repeat(3000)}\\"{{",`)
  expect(loadAdapter(put('text.json', brackets)).kind).toBe('linear')
})

test('an adapter file is refused by its size before it is read', async () => {
  const path = put('huge.json', '{"format":"adapter-train/1"')
  truncateSync(path, 540e6)
  expect(statSync(path).blocks).toBeLessThan(100)
  await expectRejection(convert(path), 'FILE_READ', /at most 500 MiB; found 515 MiB/)
  expect(caught(() => loadAdapter(path)).message).toMatch(/at most 500 MiB; found 515 MiB/)
})

test('a config file and a prompt template are no devices', () => {
  for (const what of ['--config', 'prompt template'])
    expect(() => readNamedFile('/dev/zero', what)).toThrow(`${what} /dev/zero: expected a regular file`)
})

test('an adapter and its text terms are regular files', () => {
  expect(caught(() => loadAdapter('/dev/zero'))).toMatchObject({
    code: 'FILE_READ',
    message: expect.stringMatching(/\/dev\/zero: expected a regular file/),
  })
  const terms = { file: '../zero', sha256: 'x', bytes: 9, source: 'words', alpha: 1, corpus: {}, proven: true }
  const text = JSON.stringify({ ...JSON.parse(adapterText), format: 'adapter-train/2', terms })
  expect(caught(() => loadAdapter(put('a.json', text))).message).toMatch(/"terms" must have/)
  const large = put('t.bin', 'x')
  truncateSync(large, 600e6)
  const named = JSON.stringify({ ...JSON.parse(text), terms: { ...terms, file: 't.bin' } })
  expect(caught(() => loadAdapter(put('b.json', named))).message).toMatch(/t\.bin.*at most \d MiB; found 573 MiB/)
})

test('a byte order mark at the start of a JSON file is passed over', async () => {
  const path = put('bom.json', `\uFEFF${adapterText}`)
  expect(loadAdapter(path).kind).toBe('linear')
  expect((await convertAdapter(path, join(folder, 'o.json'))).adapter.base.dimensions).toBe(4)
  mkdirSync(join(folder, 'st'))
  const dense = { activation_function: 'torch.nn.modules.linear.Identity' }
  put('st/config.json', `\uFEFF${JSON.stringify(dense)}`)
  put('st/model.safetensors', safetensorsOf({ 'linear.weight': W, 'linear.bias': b }))
  expect((await convert(join(folder, 'st'))).adapter.kind).toBe('linear')
  put('c.json', '\uFEFF["hashing"]')
  expect(await readCandidatesFile(join(folder, 'c.json'))).toHaveLength(1)
})

test('a pickle whose tuples share each other gives a short message at once', () => {
  const levels = 60
  // Each level is a pair of the one before, twice; the whole is a key of the dictionary.
  const pickle = Buffer.from(`\x80\x02})${'q\x00h\x00\x86'.repeat(levels)}Ns.`, 'latin1')
  withinMs(500, () => {
    const { message } = caught(() => unpickleStateDict(pickle, 'a.bin'))
    expect(message).toMatch(/^a\.bin: holds something that is not a tensor/)
    expect(message.length).toBeLessThan(300)
  })
})

test('a pickle has limits of marks and of values, and its names are cut in messages', () => {
  const marks = Buffer.concat([Buffer.from('\x80\x02', 'latin1'), Buffer.alloc(3e6, '('), Buffer.from('.')])
  const values = Buffer.concat([Buffer.from('\x80\x02', 'latin1'), Buffer.alloc(3e6, 'N'), Buffer.from('.')])
  const long = Buffer.from(`\x80\x02c${'os'.repeat(1e6)}\nsystem\n.`, 'latin1')
  withinMs(500, () => {
    expect(caught(() => unpickleStateDict(marks, 'm')).message).toMatch(/more than 100 marks/)
    expect(caught(() => unpickleStateDict(values, 'm')).message).toMatch(/more than 100000 values/)
    expect(caught(() => unpickleStateDict(long, 'm')).message.length).toBeLessThan(400)
  })
})

test('a ZIP archive whose entries overlap is refused', () => {
  const content = Buffer.alloc(4 << 20)
  const archive = Buffer.from(encodeZip(new Map([['archive/data/0', content]])))
  const directory = archive.readUInt32LE(archive.length - 6)
  const entry = archive.subarray(directory, archive.length - 22)
  const end = Buffer.from(archive.subarray(archive.length - 22))
  end.writeUInt16LE(2000, 8)
  end.writeUInt16LE(2000, 10)
  const bomb = Buffer.concat([archive.subarray(0, directory), ...Array.from({ length: 2000 }, () => entry), end])
  withinMs(1000, () => expect(caught(() => decodeTorchFile(bomb, 'o.bin')).message).toMatch(/entries .* overlap/))

  // An entry within another: small enough together to fit into the archive.
  const inner = encodeZip(new Map([['b', Buffer.from('inner')]]))
  const outer = Buffer.concat([inner, Buffer.alloc(1000)])
  const both = Buffer.from(
    encodeZip(
      new Map([
        ['a', outer],
        ['b', Buffer.from('inner')],
      ]),
    ),
  )
  const at = both.readUInt32LE(both.length - 6) + 46 + 1
  both.writeUInt32LE(both.indexOf(inner), at + 42)
  expect(crc32('inner')).toBe(both.readUInt32LE(at + 16))
  expect(caught(() => decodeZip(both, 'o.bin')).message).toMatch(/entries .* overlap/)
})

const checkpointWith = (body: Uint8Array): string => {
  const hash = createHash('sha256').update(body).digest('hex')
  return put('run.ckpt', Buffer.concat([Buffer.from(`adapter-train/checkpoint-1 ${hash}\n`), body]))
}
const jsonBody = (text: string): Uint8Array => {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text)])
}
const stateOf = (state: unknown) => JSON.stringify({ identity: { run: { seed: 1 } }, state })

test.each([
  ['no bytes', ''],
  ['half of its JSON', '{"identity":'],
  ['nothing', 'null'],
  ['a list', '[]'],
  ['the state of no run', '{"identity":{},"state":{"training":{}}}'],
  ['a run that is a number', '{"identity":{"run":7},"state":{}}'],
  ['an unknown type of numbers', stateOf({ training: { $array: 'Int8Array', offset: 0, length: 4 } })],
  ['a type that is no type', stateOf({ training: { $array: 'constructor', offset: 0, length: 4 } })],
  ['numbers without end', stateOf({ training: { $array: 'Float32Array', offset: 0, length: 1e15 } })],
  ['numbers before its start', stateOf({ training: { $array: 'Float32Array', offset: -8, length: 1 } })],
  ['no list of epochs', stateOf({ training: { trainer: {}, epochs: 3, best: {}, bestEpoch: 1 } })],
  ['no weights', stateOf({ training: { trainer: {}, epochs: [], best: { W: { rows: 1, cols: 1 } }, bestEpoch: 0 } })],
  ['deep lists', `{"identity":{},"state":${'['.repeat(9000)}${']'.repeat(9000)}}`],
])('a checkpoint with a good checksum is damaged nevertheless: %s', (_, text) => {
  const error = caught(() => openCheckpoint(checkpointWith(text === '' ? Buffer.alloc(0) : jsonBody(text))))
  expect(error.code).toBe('FILE_READ')
  expect(error.message).toMatch(/^cannot resume from .*run\.ckpt: it is damaged.* Delete the file/)
})

test('a checkpoint as it is saved opens again', () => {
  const training = { trainer: { epochs: 1 }, epochs: [{ epoch: 1 }], bestEpoch: 1 }
  const best = { W: { rows: 1, cols: 2, data: Float32Array.of(1, 2) } }
  const body = Buffer.concat(encodeState({ identity: { run: { seed: 1 } }, state: { training: { ...training, best } } }))
  const { state } = openCheckpoint(checkpointWith(body))
  expect(state.training?.best).toEqual(best)
})

const TABLES = { train: { epochs: integer('', { min: 1 }), base: name(''), 'base-url': name(''), styles: list('') } }
const config = (file: string, content: string) => readConfigFile(put(file, content), 'train', TABLES)

test.each([
  ['brackets', `base: ${'['.repeat(1e5)}`],
  ['closed brackets', `base: ${'['.repeat(2000)}${']'.repeat(2000)}`],
  ['braces', `base: ${'{a: '.repeat(2e4)}`],
  ['lists', `base:\n  ${'- '.repeat(2e4)}x`],
  ['keys', `base:\n  ${'? '.repeat(2e4)}x`],
  ['colons before a brace', `base: ${': '.repeat(2e4)}{`],
  ['colons after open braces', `a: ${'{'.repeat(9)}\nbase: ${': '.repeat(2e4)}`],
  ['colons after brackets', `base: ]]${': '.repeat(2e4)}`],
  ['steps', Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
])('YAML that is nested too deep is refused: %s', async (_, content) => {
  for (const file of ['a.yaml', 'b.yml']) {
    expect(caught(() => config(file, content)).message).toMatch(/expected at most 512 levels of nesting/)
  }
  await expectRejection(readCandidatesFile(put('c.yaml', content)), 'USAGE', /at most 512 levels of nesting/)
})

test('YAML with brackets in its texts, long lines and many keys is read', () => {
  const list = Array.from({ length: 900 }, (_, i) => `  - s${i}`).join('\n')
  const content = `base: "${'['.repeat(2000)}"\nepochs: 3 # ${'{'.repeat(600)}\nstyles:\n${list}\n`
  expect(config('a.yaml', content)).toMatchObject({ epochs: 3, styles: expect.arrayContaining(['s899']) })
})

test('a config value of the wrong type is described, not shown', () => {
  const secret = caught(() => config('a.yaml', 'base-url: [https://user:hunter2@example.com/v1]')).message
  expect(secret).toMatch(/"base-url" must be a text, found a list of 1/)
  const address = caught(() => config('b.yaml', 'epochs: https://user:hunter2@example.com/v1')).message
  expect(address).toMatch(/"epochs" must be a number, found a text/)
  const nested = caught(() => config('c.json', '{"base-url": {"url": "https://user:hunter2@example.com"}}')).message
  expect(nested).toMatch(/found an object/)
  expect(secret + address + nested).not.toContain('hunter2')
  expect(caught(() => config('d.yaml', `epochs: ${'x'.repeat(3e6)}`)).message.length).toBeLessThan(500)
  expect(readFileSync(join(folder, 'd.yaml')).length).toBeGreaterThan(3e6)
})

test('a file of judgements that names itself as its documents, by a detour too, is an error', async () => {
  const judged = (data: unknown) =>
    `${JSON.stringify({ judgements: 1, documents: { data }, sampling: {} })}\n${JSON.stringify({ query_id: 'q', document_id: 'd', grade: 1, judge: 'A', time: '', query: 'x', document: 'y' })}\n`
  const first = put('first.jsonl', judged('second.jsonl'))
  put('second.jsonl', judged('first.jsonl'))
  await expectRejection(readDataset(first), 'DATASET_INVALID', /names .*first\.jsonl as its documents, which leads back/)
  await expectRejection(readDataset(put('own.jsonl', judged('own.jsonl'))), 'DATASET_INVALID', /leads back/)
  await expectRejection(readDataset(put('odd.jsonl', judged({ length: 3 }))), 'DATASET_INVALID', /expected an object of texts/)
  expect((await readDataset(put('none.jsonl', judged('gone.json')))).dataset.queries.size).toBe(1)
})

test('training facts of another type are errors that name the fact, and absent ones are not', async () => {
  const stored = JSON.parse(encodeAdapter(sampleAdapter('linear', 4)))
  const withFacts = (training: object) => put('facts.json', JSON.stringify({ ...stored, training }))
  for (const [training, message] of [
    [{ metrics: { base: { 'ndcg@10': '0.5' } } }, /"training\.metrics\.base\.ndcg@10": expected a number, found "0\.5"/],
    [{ date: 5 }, /"training\.date": expected a string, found 5/],
    [{ difference: { 'ndcg@10': null } }, /"training\.difference\.ndcg@10": expected an object, found null/],
    [{ data: [] }, /"training\.data": expected an object/],
  ] as const) {
    expect(caught(() => loadAdapter(withFacts(training)))).toMatchObject({
      code: 'ADAPTER_FORMAT',
      message: expect.stringMatching(message),
    })
  }
  // Facts that are left out are not shown.
  for (const training of [
    { metrics: { base: {}, adapted: { 'ndcg@10': 0.5 } } },
    { metrics: { base: { 'ndcg@10': 0.4 }, adapted: { 'ndcg@10': 0.5 } }, difference: { 'ndcg@10': {} } },
    { metrics: { base: {}, adapted: {} }, options: { metric: '__proto__' } },
    {},
  ]) {
    const path = withFacts(training)
    await convertAdapter(path, join(folder, 'card.md'))
    expect(() => history({ file: path, json: false, quiet: true, verbose: false })).not.toThrow()
  }
  expect(readFileSync(join(folder, 'card.md'), 'utf8')).toContain('# Query adapter for')
})

test('a history with lines of other forms lists what it can', () => {
  const path = put('a.json', encodeAdapter(sampleAdapter('linear', 4)))
  mkdirSync(join(folder, 'a.history'))
  put('a.history/0001.json', '{"kind": 5, "training": null}')
  put('a.history/history.jsonl', 'null\n[]\n{"date": 5}\n{"cut')
  expect(listVersions(path)).toMatchObject([
    { inUse: true, kind: 'linear' },
    { version: 1, inUse: false },
  ])
})

test.each(['words', 'feedback'] as const)('columns of text terms (%s) that do not fit together are refused', source => {
  const texts = Array.from({ length: 20 }, (_, i) => `the card number ${i} of account ${i % 7} is blocked`)
  const documents = {
    ids: texts,
    texts,
    vectors: matrix(
      20,
      4,
      Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)),
    ),
  }
  const analysis = { english: true, common: [] }
  const from = source === 'words' ? buildWords(documents, analysis, [100])[0] : buildFeedbackOf(documents, analysis)
  const facts = { source, alpha: 0.2, proven: true, corpus: { documents: 20, date: '', sha256: '' } }
  const bytes = encodeTerms({ from, analysis })
  const { tensors, metadata } = decodeSafetensors(bytes, 't')
  const changed = (name: string, change: (data: DataView) => void, rest = metadata) => {
    const tensor = { ...tensors[name], bytes: tensors[name].bytes.slice() }
    change(new DataView(tensor.bytes.buffer))
    return encodeSafetensors({ tensors: { ...tensors, [name]: tensor }, metadata: rest })
  }
  const shorter = (name: string, size: number) => {
    const { dtype, bytes: data, shape } = tensors[name]
    const cut = { dtype, shape: [shape[0] - 1, ...shape.slice(1)], bytes: data.slice(0, -size) }
    return encodeSafetensors({ tensors: { ...tensors, [name]: cut }, metadata })
  }
  const broken =
    source === 'words'
      ? [
          changed('idf', data => data.setFloat32(0, Number.NaN, true)),
          changed('scale', data => data.setFloat32(0, 3e38, true)),
          changed('keys', data => data.setFloat64(0, 2 ** 53, true)),
          shorter('idf', 4),
          shorter('values', 4),
        ]
      : [
          changed('starts', data => data.setUint32(4, 2 ** 32 - 1, true)),
          changed('rows', data => data.setUint32(0, 2 ** 31, true)),
          changed('mean', data => data.setFloat32(0, Number.POSITIVE_INFINITY, true)),
          shorter('counts', 4),
          shorter('scale', 4),
        ]
  for (const file of [...broken, changed('scale', () => {}, { ...metadata, analysis: '5' })]) {
    withinMs(500, () => expect(caught(() => decodeTerms(file, facts, 4, 't'))).toMatchObject({ code: 'ADAPTER_CORRUPT' }))
  }
  expect(decodeTerms(bytes, facts, 4, 't').from.name).toBe(source)
})

test('a field of queries in a table with broken quotes is an error of the file', async () => {
  const path = put('q.csv', 'query,lang\n"first" x,en\n')
  await expectRejection(readQueryField(path, 'lang'), 'DATASET_INVALID', /q\.csv: is not a table/)
})
