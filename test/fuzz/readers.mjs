// The readers of the program with small valid inputs. `files` are written to the reader's folder, and one of them is mutated; `read` gets
// the folder and the name of the sample.
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { Document, Packer, Paragraph, Table, TableCell, TableRow } from 'docx'
import PDFDocument from 'pdfkit'
import { checkSafetensors } from '../../dist/adapters/check-safetensors.js'
import { encodeAdapter, loadAdapter, saveAdapter } from '../../dist/adapters/file.js'
import { createTerms } from '../../dist/adapters/terms.js'
import { decodeTerms, encodeTerms } from '../../dist/adapters/terms-file.js'
import { readSpill } from '../../dist/cache/spill.js'
import { openCache } from '../../dist/cache/sqlite-cache.js'
import { history } from '../../dist/cli/actions/history.js'
import { COMMAND_OPTIONS } from '../../dist/cli/commands/index.js'
import { readConfigFile } from '../../dist/cli/config-file.js'
import { parseCandidate, readCandidatesFile } from '../../dist/cli/options/candidates.js'
import { convertAdapter, readAnyAdapter } from '../../dist/convert/convert-adapter.js'
import { readQueryField } from '../../dist/dataset/query-field.js'
import { readDataset } from '../../dist/dataset/read.js'
import { readCorpus } from '../../dist/dataset/read-corpus.js'
import { readQueries } from '../../dist/dataset/read-queries.js'
import { loadDocuments } from '../../dist/documents/load-documents.js'
import { familiarityOf, familiarityTest, readFamiliarity } from '../../dist/drift/familiarity.js'
import { readRun } from '../../dist/evaluate/trec-run.js'
import { rollbackAdapter } from '../../dist/history/versions.js'
import { openIndex, parseIndexUrl } from '../../dist/indexes/index.js'
import { jsonFilter, parseEffort } from '../../dist/indexes/vector-index.js'
import { matrix } from '../../dist/math/matrix.js'
import { agreements } from '../../dist/pages/agreement.js'
import { openJudgements } from '../../dist/pages/judgement-file.js'
import { loadAdapter as loadInBrowser } from '../../dist/runtime/load-adapter.js'
import { adaptQuery, loadAdapter as loadTermsInBrowser } from '../../dist/runtime-terms/index.js'
import { analyze } from '../../dist/terms/tokens.js'
import { openCheckpoint } from '../../dist/train/checkpoint.js'
import { buildFeedbackOf, buildWords } from '../../dist/train/terms/corpus-terms.js'
import { npyHeader } from '../../dist/vectors/npy.js'
import { readVectors } from '../../dist/vectors/read-vectors.js'

export const D = 4
const floats = (rows, cols = D) => Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i + 1))
const bytesOf = values => Buffer.from(values.buffer)
const lines = objects => objects.map(object => JSON.stringify(object)).join('\n')
/** Beginnings and ends of JSON. */
export const BRACKETS = ['{', '}', '[', ']', '[[', '{"a":']
const JSON_TOKENS = [...BRACKETS, ',', ':', '"', '\\u', '\\ud800', '\n', '\r', '\ufeff', 'null', '1e9']
const TEXT_TOKENS = [...JSON_TOKENS, '\t', ',"', '""', 'sep=;\n', '0', '\0', '\x1b[31m', ';', '#']

/** A file, or several of which any may be mutated. */
const sample = (name, content, others = {}) => ({ name, files: { [name]: Buffer.from(content), ...others } })

const adapter = {
  kind: 'linear',
  base: { id: 'x/y', dimensions: D, normalized: true, provider: { name: 'custom' } },
  params: { W: matrix(D, D, floats(D)), b: matrix(1, D, floats(1)) },
  training: { tool: 't', date: '2026-01-01T00:00:00Z', data: {}, options: {}, metrics: { 'ndcg@10': 0.5 } },
}
const facts = {
  source: 'words',
  alpha: 0.2,
  proven: true,
  corpus: { documents: 30, date: '2026-01-01T00:00:00Z', sha256: 'a'.repeat(64) },
}
const texts = Array.from({ length: 30 }, (_, i) => `the card number ${i} of account ${i % 7} is blocked at the bank`)
const documents = { ids: texts.map((_, i) => `d${i}`), texts, vectors: matrix(30, D, floats(30)) }
const analysis = analyze(texts, texts, process.versions.icu)
const trained = {
  ...adapter,
  training: {
    tool: 'adapter-train 0.1.0',
    date: '2026-01-01T00:00:00Z',
    options: { metric: 'ndcg@10', seed: 1, pull: 30 },
    data: { train: { queries: 3, pairs: 4 }, sha256: 'a'.repeat(64) },
    metrics: { split: 'test', base: { 'ndcg@10': 0.5 }, adapted: { 'ndcg@10': 0.6 } },
    difference: { 'ndcg@10': { mean: 0.1, low: 0.05, high: 0.15, p: 0.01 } },
    gate: { passed: true, reason: 'gains 0.1' },
    topScore: { base: { p5: 0.1, p50: 0.5 }, adapted: { p5: 0.1, p50: 0.5 } },
    queries: ['a'.repeat(16)],
  },
}
const terms = createTerms(facts, analysis, buildWords(documents, analysis, [500])[0])
const feedback = createTerms({ ...facts, source: 'feedback' }, analysis, buildFeedbackOf(documents, analysis))
const bridge = { ...adapter, index: { id: 'y/z', dimensions: D, metric: 'cosine' } }
const sketched = {
  ...adapter,
  training: { ...adapter.training, familiarity: familiarityOf(matrix(30, D, floats(30)), 1) },
}

/** Runs `make` in a folder of its own and returns what it gives. */
async function inFolder(make) {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-make-'))
  try {
    return await make(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const converted = name =>
  inFolder(async folder => {
    saveAdapter(adapter, join(folder, 'a.json'))
    await convertAdapter(join(folder, 'a.json'), join(folder, name))
    return readFileSync(join(folder, name))
  })

async function pdf() {
  const parts = []
  const document = new PDFDocument({ compress: false })
  document.on('data', part => parts.push(part))
  const ended = new Promise(resolve => document.on('end', resolve))
  document.fontSize(18).text('A heading').fontSize(10).text('Some words of a page. '.repeat(5))
  document.addPage().text('A second page.')
  document.end()
  await ended
  return Buffer.concat(parts)
}

const docx = () =>
  Packer.toBuffer(
    new Document({
      sections: [
        {
          children: [
            new Paragraph({ text: 'Title', heading: 'Heading1' }),
            new Paragraph('Words of a paragraph.'),
            new Table({ rows: [new TableRow({ children: [new TableCell({ children: [new Paragraph('cell')] })] })] }),
          ],
        },
      ],
    }),
  )

const query = { q1: 'first question', q2: 'second question' }
const corpus = { d1: 'an answer', d2: 'another answer' }
const llamaindex = JSON.stringify({ queries: query, corpus, relevant_docs: { q1: ['d1'], q2: ['d2'] }, mode: 'text' })
const records = [
  { query: 'first', document: 'an answer', grade: 1, negatives: ['another'] },
  { query: 'second', document: 'another', id: 7 },
]
const beir = {
  'corpus.jsonl': Buffer.from(
    lines([
      { _id: 'd1', title: 't', text: 'an answer' },
      { _id: 'd2', text: 'another' },
    ]),
  ),
  'queries.jsonl': Buffer.from(
    lines([
      { _id: 'q1', text: 'first' },
      { _id: 'q2', text: 'second' },
    ]),
  ),
  'qrels/test.tsv': Buffer.from('query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\n'),
}
const squad = {
  data: [
    {
      title: 't',
      paragraphs: [
        {
          context: 'An answer is here.',
          qas: [{ id: '1', question: 'what?', answers: [{ text: 'answer', answer_start: 3 }] }],
        },
      ],
    },
  ],
}

/** A loader's reason that hides an exception of the language. */
const CRASHES = /is not a function|cannot read prop|is not iterable|of undefined|of null|is not defined|invalid array length/i

async function load(folder, name) {
  const { skipped } = await loadDocuments([join(folder, name)], { maxBytes: 2 << 20 })
  for (const { reason } of skipped) if (CRASHES.test(reason)) throw new Error(`reason: ${reason}`)
}

const document = (name, content, tokens) => ({
  samples: async () => [sample(name, await content())],
  tokens,
  read: load,
})

/** The files of a zip archive, by its directory. */
export function unzip(archive) {
  const files = new Map()
  let at = archive.readUInt32LE(archive.lastIndexOf('PK\x05\x06', undefined, 'latin1') + 16)
  while (archive.readUInt32LE(at) === 0x02014b50) {
    const [size, nameBytes, extra, comment] = [
      [20, 4],
      [28, 2],
      [30, 2],
      [32, 2],
    ].map(([o, n]) => archive.readUIntLE(at + o, n))
    const local = archive.readUInt32LE(at + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const content = archive.subarray(start, start + size)
    const name = archive.toString('utf8', at + 46, at + 46 + nameBytes)
    files.set(name, archive.readUInt16LE(at + 10) === 8 ? inflateRawSync(content) : content)
    at += 46 + nameBytes + extra + comment
  }
  return files
}

const HEADER = { judgements: 1, documents: { data: 'data.json' }, sampling: { order: 'file', seed: 1, pool: 2 } }
const judged = (query_id, document_id, judge, grade, more = {}) => ({
  query_id,
  document_id,
  grade,
  judge,
  time: '2026-01-01T00:00:00Z',
  ...more,
})
const labels = lines([
  HEADER,
  judged('q1', 'd1', 'Ada', 2, { query: 'first question', document: 'an answer', at: 0, pool: 2 }),
  judged('q1', 'd1', 'Bob', 1),
  judged('q2', 'd2', 'Ada', 0, { query: 'second question', document: 'another answer', at: 1, pool: 2 }),
  judged('q2', 'd2', 'Ada', 3, { undo: true }),
])

export const READERS = {
  dataset: {
    samples: () => [
      sample('a.json', llamaindex),
      sample('a.jsonl', lines(records)),
      sample('list.json', JSON.stringify(records)),
      sample('a.csv', 'query,document,grade\nfirst,"an ""answer""",1\nsecond,another,0.5\n'),
      sample('semi.csv', 'sep=;\r\nquery;document\r\nfirst;"two\nlines"\r\n'),
      sample('a.tsv', 'query\tdocument\nfirst\tan answer\n'),
      sample('squad.json', JSON.stringify(squad)),
      sample(
        'triplets.jsonl',
        lines([
          { anchor: 'a', positive: 'b', negative: 'c' },
          { anchor: 'd', positive: 'e', negative: 'f' },
        ]),
      ),
      sample('log.jsonl', lines([{ query: 'q', clicked: ['page a'], shown: ['page b', 'page a'], time: '2026-01-01' }])),
    ],
    tokens: TEXT_TOKENS,
    read: (folder, name) => readDataset(join(folder, name)),
  },
  beir: {
    samples: () => [{ name: '.', files: beir }],
    tokens: TEXT_TOKENS,
    read: folder => readDataset(folder),
  },
  corpus: {
    samples: () => [
      sample('c.jsonl', lines([{ id: 'd1', text: 'an answer' }])),
      sample('c.json', JSON.stringify([{ id: 'd1', text: 'an answer' }])),
    ],
    tokens: TEXT_TOKENS,
    read: (folder, name) => readCorpus(join(folder, name)),
  },
  judgements: {
    samples: () => [
      sample('labels.jsonl', `${labels}\n`, { 'data.json': Buffer.from(llamaindex) }),
      sample('labels.jsonl', labels.replace('"data"', '"corpus"').replace('data.json', 'docs.jsonl'), {
        'docs.jsonl': Buffer.from(lines([{ id: 'd1', text: 'an answer' }])),
      }),
    ],
    tokens: [...JSON_TOKENS, '"labels.jsonl"', '../'],
    read: (folder, name) => readDataset(join(folder, name)),
  },
  'label-session': {
    samples: () => [sample('labels.jsonl', `${labels}\n`), sample('labels.jsonl', labels)],
    tokens: JSON_TOKENS,
    read(folder, name) {
      const file = openJudgements(join(folder, name))
      try {
        agreements(file.judgements)
        file.judgements.history('Ada')
        file.begin(HEADER)
        file.append(judged('q1', 'd1', 'Ada', 1, { query: 'first question', document: 'an answer' }))
      } finally {
        file.close()
      }
    },
  },
  queries: {
    samples: () => [
      sample('a.txt', 'first question\n"second \\"question\\""\n'),
      sample(
        'log.jsonl',
        lines([
          { query: 'first', count: 3 },
          { query: 'second', query_id: 9 },
        ]),
      ),
      sample('log.csv', 'query,count\nfirst,3\n"second, too",\n'),
    ],
    tokens: TEXT_TOKENS,
    read: (folder, name) => readQueries(join(folder, name)),
  },
  'query-field': {
    samples: () => [
      sample(
        'a.jsonl',
        lines([
          { query_id: 'q', query: 'first', lang: 'en' },
          { query: 'x', metadata: { lang: 'de' } },
        ]),
      ),
      sample('a.json', JSON.stringify({ queries: query, lang: { q1: 'en' } })),
      sample('a.csv', 'query,document,lang\nfirst,"an ""answer""",en\n'),
    ],
    tokens: TEXT_TOKENS,
    read: (folder, name) => readQueryField(join(folder, name), 'lang'),
  },
  pdf: document('a.pdf', pdf, [
    ...['<<', '>>', '[', ']', 'obj', 'endobj', 'stream\n', 'endstream', 'xref', 'trailer', '/Length 1', '/Filter /FlateDecode'],
    ...[
      '/Filter /LZWDecode',
      '/Filter [/ASCII85Decode /RunLengthDecode]',
      '/Kids [1 0 R]',
      '/Type /Page',
      'BT',
      '(',
      ')',
      '1 0 R',
    ],
  ]),
  docx: {
    ...document('a.docx', docx, [
      '<w:p>',
      '</w:p>',
      '<w:t>',
      '<w:tbl>',
      '<w:tc>',
      '&lt;',
      '&#x0;',
      '<!--',
      '<!DOCTYPE a [',
      '>',
      '<',
      'PK',
    ]),
    zip: /document\.xml$|styles\.xml$/,
  },
  html: document(
    'a.html',
    () =>
      '<html><head><title>T</title></head><body><h1>H</h1><p>Words of <b>text</b></p><details><summary>s</summary>x</details><table><tr><td>1</td></tr></table><ul><li>a</li></ul></body></html>',
    [
      '<div>',
      '</div>',
      '<b>',
      '<table>',
      '<select>',
      '<template>',
      '<svg>',
      '<!--',
      '<![CDATA[',
      '&',
      '&amp;',
      '<script>',
      '<style>',
      '="',
      "'",
      '<',
    ],
  ),
  markdown: document(
    'a.md',
    () => '# H\n\nSome *words* and `code`.\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx\n```\n',
    [...['#', '*', '_', '`', '```\n', '[', '](', '|', '>', '- ', '\n\n', '  ', '~~', '<div>', '---\n', '![']],
  ),
  table: document('a.csv', () => 'question,answer\nq,"a, b"\nr,c\n', TEXT_TOKENS),
  lines: document('a.jsonl', () => lines([{ text: 'words', title: 't' }, { text: 'more' }]), JSON_TOKENS),
  text: document('a.txt', () => 'HEADING\n\nSome words.\n\nMore words.', ['\n', '\f', '\r', '\0', '\xff\xfe', ' ']),
  config: {
    samples: () => [
      sample('c.yaml', 'train: train.json\nbase: openai\nepochs: 4\nseed:\n  7\n# a comment\nmodel: "x"\n'),
      sample('c.json', JSON.stringify({ train: 'train.json', base: 'openai', epochs: 4, gate: true })),
    ],
    tokens: [
      '- ',
      ': ',
      '[',
      '{',
      '&a ',
      '*a',
      '!!binary ',
      '|\n',
      '>-\n',
      '? ',
      '"',
      "'",
      '---\n',
      '%YAML',
      '<<: *a',
      '\t',
      '\n  ',
    ],
    read: (folder, name) => readConfigFile(join(folder, name), 'train', COMMAND_OPTIONS),
  },
  candidates: {
    samples: () => [
      sample('c.yaml', 'candidates:\n  - hashing@256\n  - name: x\n    base: openai\n    model: m\n    dimensions: 8\n'),
      sample('c.json', JSON.stringify(['small=openai:m+a.json', { base: 'vectors', vectors: 'v' }])),
      sample('line', 'small=openai:text-embedding-3-small@256+adapters/x.json'),
    ],
    tokens: ['- ', ': ', '[', '{', '&a ', '*a', '\n', '"', '+', '@', '=', 'vectors:', 'adapter:', '<<: *a'],
    read(folder, name) {
      const path = join(folder, name)
      return name === 'line' ? parseCandidate(readFileSync(path, 'utf8')) : readCandidatesFile(path)
    },
  },
  'index-url': {
    samples: () =>
      [
        'pgvector://host:5432/db?id=doc&vector=embedding&text=body&metric=l2#public.docs',
        'qdrant+https://host:6333/prefix?vector=dense#my%20docs',
        'chroma+http://[::1]:8000?tenant=t&database=d#docs',
        'lancedb:///tmp/folder?metric=cosine#docs',
        'ef_search=100,iterative_scan=strict_order',
        '{"must": [{"key": "kind"}]}',
      ].map((line, i) => ({ ...sample(`url${i}`, line), refused: line.startsWith('lancedb') })),
    tokens: ['%', '%00', '%1b', '#', '?', '&', '@', ':', '//', '=', '__proto__', '\0', '\x1b[31m', '['],
    async read(folder, name) {
      const line = readFileSync(join(folder, name), 'utf8')
      if (name === 'url4') parseEffort(line)
      else if (name === 'url5') jsonFilter(line)
      else if (/^(pglite|lancedb):/.test(line)) await openIndex(line)
      else parseIndexUrl(line)
    },
  },
  history: {
    samples: () => {
      const version = alpha => Buffer.from(encodeAdapter({ ...adapter, training: { ...adapter.training, alpha } }))
      const [now, before] = [version(0.5), version(0.25)]
      const from = createHash('sha256').update(before).digest('hex')
      const change = Buffer.from(lines([{ date: '2026-01-01T00:00:00Z', from, reason: 'better' }]))
      return [sample('a.json', now, { 'a.history/0001.json': before, 'a.history/history.jsonl': change })]
    },
    tokens: JSON_TOKENS,
    read(folder, name) {
      const file = join(folder, name)
      history({ file, json: false, quiet: false, verbose: false })
      rollbackAdapter(file)
    },
  },
  facts: {
    samples: () => [sample('a.json', encodeAdapter(trained))],
    tokens: JSON_TOKENS,
    async read(folder, name) {
      const file = join(folder, name)
      history({ file, json: false, quiet: false, verbose: false })
      for (const output of ['a.md', 'a.onnx', 'a.safetensors']) await convertAdapter(file, join(folder, output))
    },
  },
  adapter: {
    samples: () =>
      inFolder(folder => {
        saveAdapter({ ...adapter, terms }, join(folder, 't.json'))
        const json = readFileSync(join(folder, 't.json'))
        const { file } = JSON.parse(json).terms
        return [
          sample('a.json', encodeAdapter(adapter)),
          sample('half.json', encodeAdapter(adapter, 'F16')),
          sample('bridge.json', encodeAdapter(bridge)),
          sample('t.json', json, { [file]: readFileSync(join(folder, file)) }),
        ]
      }),
    tokens: JSON_TOKENS,
    read: (folder, name) => loadAdapter(join(folder, name)),
  },
  terms: {
    samples: () => [sample('words.bin', encodeTerms(terms)), sample('feedback.bin', encodeTerms(feedback))],
    tokens: JSON_TOKENS,
    read(folder, name) {
      const bytes = readFileSync(join(folder, name))
      const { source } = name.startsWith('words') ? terms : feedback
      checkSafetensors(bytes, name)
      const read = decodeTerms(bytes, { ...facts, source }, D, name)
      const mixed = Float32Array.from(floats(1))
      read.mix(mixed, texts[0])
      if (!mixed.every(Number.isFinite)) throw new Error(`mixed to ${mixed}`)
    },
  },
  'terms-in-browser': {
    samples: () =>
      [terms, feedback].map(own => {
        const bytes = Buffer.from(encodeTerms(own))
        const [{ source }, json] = [own, JSON.parse(encodeAdapter(adapter))]
        const said = { ...facts, source, file: 't.bin', bytes: bytes.length }
        return sample('a.json', JSON.stringify({ ...json, format: 'adapter-train/2', terms: said }), { 't.bin': bytes })
      }),
    tokens: JSON_TOKENS,
    async read(folder, name) {
      const bytes = readFileSync(join(folder, 't.bin'))
      const loaded = await loadTermsInBrowser(readFileSync(join(folder, name), 'utf8'), bytes)
      adaptQuery(loaded, floats(1), texts[0])
    },
  },
  'adapter-in-browser': {
    samples: async () => [
      sample('a.json', encodeAdapter(adapter)),
      sample('bridge.json', encodeAdapter(bridge)),
      sample('a.safetensors', await converted('a.safetensors')),
    ],
    tokens: JSON_TOKENS,
    read: (folder, name) => loadInBrowser(readFileSync(join(folder, name))),
  },
  sketch: {
    samples: () => [sample('a.json', encodeAdapter(sketched))],
    tokens: JSON_TOKENS,
    read(folder, name) {
      const adapter = loadAdapter(join(folder, name))
      const known = readFamiliarity(adapter, name)
      const { similarity } = known ? familiarityTest(known, adapter)(floats(1)) : { similarity: 0 }
      if (!Number.isFinite(similarity)) throw new Error(`a similarity of ${similarity}`)
    },
  },
  safetensors: {
    samples: async () => [sample('a.safetensors', await converted('a.safetensors'))],
    tokens: JSON_TOKENS,
    read: (folder, name) => readAnyAdapter(join(folder, name), { baseId: 'x/y' }),
  },
  torch: {
    samples: () => {
      const { files } = JSON.parse(readFileSync(new URL('../fixtures/torch-state-dicts.json', import.meta.url), 'utf8'))
      return Object.values(files).map(base64 => sample('model.bin', Buffer.from(base64, 'base64')))
    },
    tokens: [
      '(',
      ')',
      '(((',
      't',
      '\x85',
      '\x86',
      'ccollections\nOrderedDict\n',
      'R',
      'q\x00',
      'h\x00',
      '}',
      ']',
      'u',
      '2',
      '0',
      'X\xff\xff\xff\x7f',
      'PK\x03\x04',
    ],
    zip: /\.pkl$/,
    read: (folder, name) => readAnyAdapter(join(folder, name), { baseId: 'x/y' }),
  },
  checkpoint: {
    samples: () =>
      inFolder(folder => {
        const path = join(folder, 'run.ckpt')
        const checkpoint = openCheckpoint(path)
        checkpoint.require('run', { seed: 1 })
        const trainer = { params: adapter.params, moments: [floats(1)], step: 3 }
        const training = { trainer, epochs: [{ epoch: 1, loss: 0.5 }], best: adapter.params, bestEpoch: 1 }
        checkpoint.save({ choice: { final: {}, scores: floats(2) }, training, folds: [{ scores: floats(1) }] })
        const whole = readFileSync(path)
        const body = whole.subarray(whole.indexOf(10) + 1)
        return [sample('run.ckpt', whole), sample('body', body)]
      }),
    tokens: [...JSON_TOKENS, '"$array"', '"$map"'],
    read(folder, name) {
      const path = join(folder, name)
      if (name === 'body') {
        // Its checksum is right, whatever was changed.
        const body = readFileSync(path)
        const hash = createHash('sha256').update(body).digest('hex')
        writeFileSync(path, Buffer.concat([Buffer.from(`adapter-train/checkpoint-1 ${hash}\n`), body]))
      }
      openCheckpoint(path).require('run', { seed: 1 })
    },
  },
  cache: {
    samples: () =>
      inFolder(async folder => {
        const cache = await openCache(join(folder, 'c.sqlite'))
        const entries = Array.from({ length: 20 }, (_, i) => ({ textHash: Buffer.alloc(32, i), vector: floats(1) }))
        cache.set('x/y', entries)
        cache.close()
        return [sample('c.sqlite', readFileSync(join(folder, 'c.sqlite')))]
      }),
    tokens: ['CREATE TABLE', 'vectors', '\x00\x00\x00\x00', '\xff\xff\xff\xff', 'SQLite format 3\0'],
    share: 0.25,
    async read(folder, name) {
      const cache = await openCache(join(folder, name))
      try {
        cache.get('x/y', [Buffer.alloc(32, 3)])
        cache.stats()
        cache.verify({ repair: true })
      } finally {
        cache.close()
      }
    },
  },
  spill: {
    samples: () => [
      sample(
        'c.spill',
        lines([
          { space: 'x', entries: [] },
          { key: 'aa', model: 'm', answer: 'v' },
        ]),
      ),
    ],
    tokens: JSON_TOKENS,
    read: (folder, name) => readSpill(join(folder, name)),
  },
  vectors: {
    samples: () => [
      {
        name: '.',
        files: {
          'queries.npy': Buffer.concat([npyHeader(3, D), bytesOf(floats(3))]),
          'docs.jsonl': Buffer.from(
            lines([
              { id: 'd1', vector: [...floats(1)] },
              { id: 'd2', vector: [...floats(1)] },
            ]),
          ),
          'pairs.json': Buffer.from('[[0,0],[1,1],[2,1]]'),
        },
      },
    ],
    tokens: [...JSON_TOKENS, "'descr': '<f8'", '(99999999999, 4)', 'True', '\x93NUMPY'],
    read: folder => readVectors(folder),
  },
  run: {
    samples: () => [sample('r.trec', 'q1 Q0 d1 1 0.9 x\nq1 Q0 d2 2 0.8 x\nq2 Q0 d2 1 0.7 x\n')],
    tokens: TEXT_TOKENS,
    read: (folder, name) => readRun(join(folder, name)),
  },
}
