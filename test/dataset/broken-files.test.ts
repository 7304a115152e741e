import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DATASET_FORMATS, type DatasetFormatName } from '../../src/dataset/formats/index.js'
import { readDataset } from '../../src/dataset/read.js'
import { failure, fileWith, folderWith, temporaryFolder } from './temporary-folder.js'

const start = '{"queries": {"q": "a"},\n "corpus": {"d": "x"},\n "relevant_docs": {"q": ["d"]}'

describe('broken JSON is reported with line, column and what was found', () => {
  it.each([
    ['cut off', start, ":3: is not JSON: column 31: expected ',' or '}', found the end of the text"],
    ['a trailing comma', `${start},\n}`, ':4: is not JSON: column 1: expected a key in double quotes, found "}"'],
    ['text after the end', `${start}}\n{}`, ':4: is not JSON: column 1: expected the end, found "{"'],
    ['a key without quotes', '{"queries": {q: "a"}}', ':1: is not JSON: column 14: expected a key in double quotes, found "q"'],
    ['NaN', '{"queries": {"q": NaN}}', ':1: is not JSON: column 19: expected a value, found "NaN"'],
    ['single quotes', `{"queries": {"q": 'a'}}`, `column 19: expected a value, found "'"`],
    [
      'a line break in a string',
      '{"queries": {"q": "a\nb"}}',
      ":1: is not JSON: column 21: expected '\"' or an escape such as \\n, found a line break",
    ],
    ['a wrong escape', '{"queries": {"q": "a\\x"}}', 'column 21: expected a valid escape, found "\\\\x"'],
    ['a string without end', '{"queries": {"q": "abc', `expected '"' at the end of a string, found the end of the text`],
    ['a leading zero', '{"queries": {"q": 01}}', `column 20: expected ',' or '}', found "1"`],
    ['endless nesting', `{"queries": ${'['.repeat(100_000)}`, 'expected at most 512 levels of nesting'],
    ['endless nesting elsewhere', `{"queries": {}, "x": ${'['.repeat(100_000)}`, 'expected at most 512 levels of nesting'],
  ])('%s', async (_, text, problem) => {
    const { message } = await failure(() => readDataset(fileWith(text), { skipInvalid: true }), 'DATASET_INVALID')
    expect(message).toContain(problem)
  })
})

describe('a file of the wrong encoding', () => {
  const latin1 = Buffer.from(`${start}}`.replace('"x"', '"caf\u00e9 x"'), 'latin1')

  it('is reported with line, byte and offset', async () => {
    const { message } = await failure(() => readDataset(fileWith(latin1)), 'DATASET_INVALID')
    expect(message).toMatch(/:2: is not valid UTF-8: byte 0xE9 at offset 45 /)
  })

  it('is found also far into a long text, and after characters of several bytes', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`{"queries": {"q": "${'é😀'.repeat(40_000)}`),
      Buffer.from([0xe2, 0x82]),
      Buffer.from('"}}'),
    ])
    const { message } = await failure(() => readDataset(fileWith(bytes)), 'DATASET_INVALID')
    expect(message).toContain(`byte 0xE2 at offset ${19 + 240_000} `)
  })

  it.each([
    ['little', 'FF FE', Buffer.from(`\uFEFF${start}}`, 'utf16le')],
    ['big', 'FE FF', Buffer.from(`\uFEFF${start}}`, 'utf16le').swap16()],
  ])('is named when it is UTF-16, %s-endian', async (_, mark, bytes) => {
    const { message } = await failure(() => readDataset(fileWith(bytes)), 'DATASET_INVALID')
    expect(message).toContain(`is UTF-16 (it starts with the byte order mark ${mark}), expected UTF-8`)
  })

  it('loses only the line of a JSON Lines file with skipInvalid', async () => {
    const bytes = Buffer.from('{"query":"a","document":"x"}\n{"query":"b","document":"caf\u00e9"}\n', 'latin1')
    const path = fileWith(bytes)
    const { message } = await failure(() => readDataset(path), 'DATASET_INVALID')
    expect(message).toContain(':2: is not valid UTF-8: byte 0xE9 at offset 57 ')
    const { dataset, skipped } = await readDataset(path, { skipInvalid: true })
    expect([dataset.queries.size, skipped.length, skipped[0].line]).toEqual([1, 1, 2])
  })

  it('makes the whole of a CSV file invalid', async () => {
    const path = fileWith(Buffer.from('query,document\na,x\nb,caf\u00e9\n', 'latin1'))
    const { message } = await failure(() => readDataset(path, { skipInvalid: true }), 'DATASET_INVALID')
    expect(message).toContain(':3: is not valid UTF-8: byte 0xE9 at offset 24 ')
  })
})

describe('a path that holds no data set', () => {
  it('does not exist', async () => {
    const path = join(temporaryFolder(), 'none.json')
    expect((await failure(() => readDataset(path), 'FILE_NOT_FOUND')).message).toBe(`${path} does not exist`)
  })

  it('is relative and does not exist: the message says where it was looked for', async () => {
    const { message } = await failure(() => readDataset('no/such.json'), 'FILE_NOT_FOUND')
    expect(message).toBe(`no/such.json does not exist (looked for ${join(process.cwd(), 'no/such.json')})`)
  })

  it('goes through a file as if it were a folder', async () => {
    await failure(() => readDataset(join(fileWith('x'), 'data.json')), 'FILE_NOT_FOUND')
  })

  it.each([[''], [' \n\t\n'], ['\uFEFF']])('is empty: %j', async text => {
    expect((await failure(() => readDataset(fileWith(text)), 'DATASET_INVALID')).message).toContain('is empty')
  })

  it.each([
    ['prose', 'Call me Ishmael.', 'it starts with "Call me Ishmael."'],
    ['a JSON string', '"x"', 'it starts with "\\"x\\""'],
    [
      'other JSON Lines',
      '{"question":"a","context":"b"}',
      'has the keys "question", "context"; rename "question" to "query"; rename "context" to "document"',
    ],
    ['a part of a BEIR folder', '{"_id":"1","text":"a"}', 'to read a BEIR folder, name the folder'],
    ['a table without a header', 'What?,That.', 'it starts with "What?,That."'],
  ])('holds %s: the message says what was found and every format that is expected', async (_, text, found) => {
    const { message } = await failure(() => readDataset(fileWith(text)), 'DATASET_FORMAT')
    expect(message).toContain(found)
    for (const { name, description } of DATASET_FORMATS) expect(message).toContain(`${name}: ${description}`)
  })

  it.each([
    ['faq.csv', 'question,answer\nhow,"so, and so"\n', '"question", "answer"', '--query question --document answer'],
    ['faq.csv', 'title;body\nhow;so\n', '"title", "body"', '--query NAME --document NAME'],
    ['faq.tsv', 'Question\tthe reply\nhow\tso\n', '"question", "the reply"', '--query question --document NAME'],
  ])(
    'is a table %s without a known column: the message names its columns and the command that reads it',
    async (name, text, columns, options) => {
      const file = fileWith(text, name)
      const { message } = await failure(() => readDataset(file), 'DATASET_FORMAT')
      expect(message).toBe(
        `${file}: no column is known; expected query and document, found ${columns}. Name them: adapter-train import ${file} ${options}`,
      )
    },
  )

  it('is a table with one known column: the message gives the command too', async () => {
    const { message } = await failure(() => readDataset(fileWith('query,the reply\nhow,so\n', 'f.csv')), 'DATASET_INVALID')
    expect(message).toMatch(/has the columns "query", "the reply".*adapter-train import \S+f\.csv --query query --document NAME$/)
  })

  it.each([
    ['gzip', Buffer.from('1f8b0800', 'hex'), 'is gzip-compressed. Unpack it first.'],
    ['Parquet', Buffer.from('PAR1....'), 'is a Parquet file'],
    ['binary', Buffer.from([1, 2, 0, 3]), 'is binary'],
  ])('holds %s', async (_, bytes, found) => {
    expect((await failure(() => readDataset(fileWith(bytes)), 'DATASET_FORMAT')).message).toContain(found)
  })

  it('is an empty folder, or one of other files', async () => {
    expect((await failure(() => readDataset(temporaryFolder()), 'DATASET_FORMAT')).message).toContain('the folder is empty')
    const folder = folderWith({ 'train.json': '{}', 'readme.md': 'x' })
    const { message } = await failure(() => readDataset(folder), 'DATASET_FORMAT')
    expect(message).toContain('the folder holds readme.md, train.json; to read one file, name it (train.json)')
  })

  it('is a device', async () => {
    await failure(() => readDataset('/dev/null'), 'FILE_READ')
  })
})

describe('an option of readDataset', () => {
  const path = () => fileWith('{"query":"a","document":"x"}')

  it('is refused when it is an unknown format', async () => {
    const { message } = await failure(() => readDataset(path(), { format: 'xml' as DatasetFormatName }), 'USAGE')
    expect(message).toBe(`unknown dataset format "xml"; expected one of: ${DATASET_FORMATS.map(({ name }) => name).join(', ')}`)
  })

  it('is refused when it names a split of a format that has none', async () => {
    expect((await failure(() => readDataset(path(), { split: 'test' }), 'USAGE')).message).toContain('only beir has splits')
  })

  it.each([
    ['llamaindex', '[]', 'DATASET_INVALID'],
    ['llamaindex', '{}', 'DATASET_INVALID'],
    ['json', '{}', 'DATASET_INVALID'],
    ['jsonl', 'a,b', 'DATASET_INVALID'],
    ['csv', '{}', 'DATASET_INVALID'],
    ['beir', '{}', 'DATASET_FORMAT'],
  ] as const)('that says %s for %s gives one clear error', async (format, text, code) => {
    await failure(() => readDataset(fileWith(text), { format }), code)
  })

  it('that says csv for a folder gives a clear error', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'x'))
    for (const { name } of DATASET_FORMATS) {
      const code = name === 'beir' ? 'DATASET_FORMAT' : 'FILE_READ'
      await failure(() => readDataset(folder, { format: name }), code)
    }
  })
})
