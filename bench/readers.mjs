// npm run bench:readers -- [--only NAME,NAME] [--rounds 3]
//
// CPU time of each reader against the size of its input, doubled four times. The growth is the median of the four ratios: 2 is
// linear. Ends with exit code 1 if one grows faster than 2.3 times a doubling.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encodeAdapter, loadAdapter } from '../dist/adapters/file.js'
import { createTerms } from '../dist/adapters/terms.js'
import { decodeTerms, encodeTerms } from '../dist/adapters/terms-file.js'
import { openCache } from '../dist/cache/sqlite-cache.js'
import { COMMAND_OPTIONS } from '../dist/cli/commands/index.js'
import { readConfigFile } from '../dist/cli/config-file.js'
import { readAnyAdapter } from '../dist/convert/convert-adapter.js'
import { encodeTorchFile } from '../dist/convert/torch/file.js'
import { encodeZip } from '../dist/convert/torch/zip.js'
import { readDataset } from '../dist/dataset/read.js'
import { loadDocuments } from '../dist/documents/load-documents.js'
import { readRun } from '../dist/evaluate/trec-run.js'
import { matrix } from '../dist/math/matrix.js'
import { analyze } from '../dist/terms/tokens.js'
import { encodeState, openCheckpoint } from '../dist/train/checkpoint.js'
import { buildWords } from '../dist/train/terms/corpus-terms.js'
import { readJsonlVectors } from '../dist/vectors/jsonl.js'
import { npyHeader, readNpy } from '../dist/vectors/npy.js'
import { printColumns } from './draw-and-train.mjs'

const MOST_GROWTH = 2.3
const DOUBLINGS = 4
/** Shorter times say nothing. */
const LEAST_MS = 5
const D = 64

const range = (n, make) => Array.from({ length: n }, (_, i) => make(i))
const words = i => `what is the limit number ${i} of card ${(i * 7919) % 1009} in branch ${i % 97}`
const jsonl = (n, make) => range(n, i => JSON.stringify(make(i))).join('\n')
const floats = n => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1))
const bytesOf = values => Buffer.from(values.buffer)

const square = d => ({ W: matrix(d, d, floats(d * d)), b: matrix(1, d, floats(d)) })
const adapterOf = d => ({
  kind: 'linear',
  base: { id: 'x/y', dimensions: d, normalized: true },
  params: square(d),
  training: { tool: 't', date: '2026-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
})

const dataset = (name, make) => ({ name, make, read: path => readDataset(path) })
const document = (name, make, file = name) => ({
  name,
  make: n => ({ [file]: make(n) }),
  async read(path) {
    const { skipped } = await loadDocuments([join(dirname(path), file)], { maxBytes: 1 << 30 })
    if (skipped.some(({ partly }) => !partly)) throw new Error(`${name}: ${skipped[0].reason}`)
  },
})

/** A PDF whose pages are streams of the given encoding. */
function pdf(pages, filter, encode) {
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>']
  objects.push(`<< /Type /Pages /Count ${pages} /Kids [${range(pages, i => `${4 + 2 * i} 0 R`).join(' ')}] >>`)
  objects.push('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>')
  for (let i = 0; i < pages; i++) {
    const text = range(20, j => `BT /F1 10 Tf 72 ${700 - 20 * j} Td (${words(20 * i + j)}) Tj ET`).join('\n')
    const content = encode(Buffer.from(text, 'latin1'))
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
      `<< /Length ${content.length}${filter} >>\nstream\n${content.toString('latin1')}\nendstream`,
    )
  }
  let body = '%PDF-1.4\n'
  const places = objects.map((object, i) => {
    const at = body.length
    body += `${i + 1} 0 obj\n${object}\nendobj\n`
    return `${String(at).padStart(10, '0')} 00000 n \n`
  })
  const table = `xref\n0 ${places.length + 1}\n0000000000 65535 f \n${places.join('')}`
  return Buffer.from(
    `${body}${table}trailer\n<< /Size ${places.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`,
    'latin1',
  )
}

/** Literal runs. */
function runLength(bytes) {
  const parts = []
  for (let at = 0; at < bytes.length; at += 128) {
    const part = bytes.subarray(at, at + 128)
    parts.push(Buffer.of(part.length - 1), part)
  }
  return Buffer.concat([...parts, Buffer.of(128)])
}

function ascii85(bytes) {
  let out = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const part = Buffer.concat([bytes.subarray(at, at + 4), Buffer.alloc(4)]).subarray(0, 4)
    let value = part.readUInt32BE()
    let five = ''
    for (let i = 0; i < 5; i++) {
      five = String.fromCharCode(33 + (value % 85)) + five
      value = Math.floor(value / 85)
    }
    out += five.slice(0, 1 + Math.min(4, bytes.length - at))
  }
  return Buffer.from(`${out}~>`, 'latin1')
}

/** Codes of 9 bits, with a new table before it needs wider ones. */
function lzw(bytes) {
  const codes = [256]
  bytes.forEach((byte, i) => {
    codes.push(byte)
    if (i % 200 === 199) codes.push(256)
  })
  codes.push(257)
  const bits = codes.map(code => code.toString(2).padStart(9, '0')).join('')
  return Buffer.from((bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? []).map(b => Number.parseInt(b, 2)))
}

function docx(n) {
  const w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
  const body = range(n, i => `<w:p><w:r><w:t>${words(i)}</w:t></w:r></w:p>`).join('')
  const types =
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
  const rels =
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
  const files = {
    '[Content_Types].xml': types,
    '_rels/.rels': rels,
    'word/document.xml': `<w:document ${w}><w:body>${body}</w:body></w:document>`,
  }
  return encodeZip(new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])))
}

function terms(n) {
  const texts = range(n, i => `${words(i)} term${i} and code${i * 3}`)
  const documents = { ids: texts.map((_, i) => `d${i}`), texts, vectors: matrix(n, D, floats(n * D)) }
  const analysis = analyze(texts, texts, process.versions.icu)
  return createTerms(TERMS, analysis, buildWords(documents, analysis, [4 * n])[0])
}
const TERMS = {
  source: 'words',
  alpha: 0.2,
  proven: true,
  corpus: { documents: 1, date: '2026-01-01T00:00:00Z', sha256: 'a'.repeat(64) },
}

const READERS = [
  dataset('llamaindex', n => ({
    'a.json': JSON.stringify({
      queries: Object.fromEntries(range(n, i => [`q${i}`, words(i)])),
      corpus: Object.fromEntries(range(n, i => [`d${i}`, `${words(i)} answer`])),
      relevant_docs: Object.fromEntries(range(n, i => [`q${i}`, [`d${i}`]])),
    }),
  })),
  {
    name: 'beir',
    make: n => ({
      'b/corpus.jsonl': jsonl(n, i => ({ _id: `d${i}`, text: words(i) })),
      'b/queries.jsonl': jsonl(n, i => ({ _id: `q${i}`, text: `${words(i)}?` })),
      'b/qrels/test.tsv': `query-id\tcorpus-id\tscore\n${range(n, i => `q${i}\td${i}\t1`).join('\n')}\n`,
    }),
    read: path => readDataset(dirname(path)),
  },
  dataset('jsonl', n => ({ 'a.jsonl': jsonl(n, i => ({ query: words(i), document: `${words(i)} answer` })) })),
  dataset('csv', n => ({
    'a.csv': `query,document\n${range(n, i => `${words(i)},"the ""answer"" ${i}"`).join('\n')}`,
  })),
  dataset('search-log', n => ({
    'a.jsonl': jsonl(n, i => ({ query: words(i), clicked: [`page ${i}`], shown: ['x', `page ${i}`] })),
  })),
  document('PDF', n => pdf(n / 20, '', bytes => bytes), 'a.pdf'),
  document('PDF LZW', n => pdf(n / 20, ' /Filter /LZWDecode', lzw), 'a.pdf'),
  document('PDF RunLength', n => pdf(n / 20, ' /Filter /RunLengthDecode', runLength), 'a.pdf'),
  document('PDF ASCII85', n => pdf(n / 20, ' /Filter /ASCII85Decode', ascii85), 'a.pdf'),
  document('DOCX', docx, 'a.docx'),
  document(
    'HTML',
    n => `<body>${range(n, i => `<h2>H ${i}</h2><p>${words(i)} &amp; <b>more</b></p>`).join('')}</body>`,
    'a.html',
  ),
  document('HTML entities', n => `<p>${'&lt;&amp;&#x41;'.repeat(n)}</p>`, 'a.html'),
  document('HTML open tags', n => `<p>${'<b>x</b><i>'.repeat(200)}${words(1).repeat(n)}`, 'a.html'),
  document('Markdown', n => range(n, i => `## H ${i}\n\n${words(i)} *and* \`code\`\n\n- a\n- b\n`).join('\n'), 'a.md'),
  document('Markdown stars', n => '**a *'.repeat(n), 'a.md'),
  document('Markdown brackets', n => '[a]('.repeat(n), 'a.md'),
  document('CSV table', n => `question,answer\n${range(n, i => `${words(i)},answer ${i}`).join('\n')}`, 'a.csv'),
  document('text', n => range(n, i => `${words(i)}\n`).join('\n'), 'a.txt'),
  {
    name: 'YAML',
    make: n => ({ 'c.yaml': `grid:\n${range(n, i => `  - pull=${i}`).join('\n')}\n` }),
    read: path => readConfigFile(path, 'sweep', COMMAND_OPTIONS),
  },
  {
    name: 'JSON config',
    make: n => ({ 'c.json': JSON.stringify({ grid: range(n, i => `pull=${i}`) }) }),
    read: path => readConfigFile(path, 'sweep', COMMAND_OPTIONS),
  },
  {
    name: 'adapter JSON',
    make: n => ({ 'a.json': encodeAdapter(adapterOf(Math.round(Math.sqrt(64 * n)))) }),
    read: path => loadAdapter(path),
  },
  {
    name: 'torch',
    most: 50_000,
    make: n => {
      const { W, b } = square(Math.round(Math.sqrt(64 * n)))
      return {
        'model.bin': encodeTorchFile(
          new Map([
            ['linear.weight', W],
            ['linear.bias', b],
          ]),
        ),
      }
    },
    read: path => readAnyAdapter(path, { baseId: 'x/y' }),
  },
  {
    name: 'terms',
    // Its table takes longer to build than to read.
    most: 1000,
    make: n => ({ 't.bin': encodeTerms(terms(n)) }),
    read: (_, [bytes]) => decodeTerms(bytes, TERMS, D, 't.bin'),
  },
  {
    name: 'checkpoint',
    make: n => ({ 'r.ckpt': Buffer.concat(encodeState({ a: floats(16 * n), list: range(n, i => ({ i })) })) }),
    read(path) {
      try {
        openCheckpoint(path)
      } catch (error) {
        if (error.code === undefined) throw error
      }
    },
  },
  {
    name: 'cache',
    most: 5000,
    async make(n, folder) {
      const cache = await openCache(join(folder, 'c.sqlite'))
      const hash = i => Buffer.from(String(i).padStart(32, '0'))
      cache.set(
        'x/y',
        range(n, i => ({ textHash: hash(i), vector: floats(D) })),
      )
      cache.close()
      return { 'c.sqlite': undefined }
    },
    async read(path) {
      const cache = await openCache(path)
      cache.verify()
      cache.close()
    },
  },
  {
    name: 'npy',
    most: 4000,
    make: n => ({ 'a.npy': Buffer.concat([npyHeader(n, D), bytesOf(floats(n * D))]) }),
    read: path => readNpy(path),
  },
  {
    name: 'JSONL vectors',
    make: n => ({ 'a.jsonl': jsonl(n, i => ({ id: `d${i}`, vector: range(8, j => Math.sin(i + j)) })) }),
    read: path => readJsonlVectors(path),
  },
  {
    name: 'TREC run',
    most: 40_000,
    make: n => ({
      'r.trec': range(n, i => `q${i % 500} Q0 d${i} ${1 + Math.floor(i / 500)} ${1 / (1 + i)} x`).join('\n'),
    }),
    read: path => readRun(path),
  },
]

const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string', default: '3' } } })
const only = values.only?.split(',')
const rows = []
for (const reader of READERS.filter(({ name }) => !only || only.includes(name))) rows.push(await measure(reader))
printColumns([
  ['reader', ...range(DOUBLINGS + 1, i => `${2 ** i} x (ms)`), 'growth'],
  ...rows.map(({ name, times, growth }) => [name, ...times.map(time => time.toFixed(0)), growth.toFixed(2)]),
])
const fast = rows.filter(({ growth }) => growth > MOST_GROWTH)
for (const { name, growth } of fast)
  process.stderr.write(`${name}: grows by ${growth.toFixed(2)} a doubling, expected at most ${MOST_GROWTH}\n`)
process.exitCode = fast.length > 0 ? 1 : 0

function median(ratios) {
  const [, low, high] = ratios.sort((a, b) => a - b)
  return (low + high) / 2
}

/** Finds a size that takes long enough to measure, and doubles it. */
async function measure(reader) {
  // What other readers left behind is not collected in the time of this one.
  collectGarbage()
  let n = 200
  await timed(reader, n, 1)
  while (n < (reader.most ?? 10_000) && (await timed(reader, n, 2)) < 30) n *= 2
  const times = []
  for (let i = 0; i <= DOUBLINGS; i++) times.push(await timed(reader, n * 2 ** i, Number(values.rounds)))
  process.stderr.write(`${reader.name}: ${times.map(time => time.toFixed(0)).join(' ')} ms\n`)
  return {
    name: reader.name,
    times,
    growth: median(times.slice(1).map((time, i) => time / Math.max(times[i], LEAST_MS))),
  }
}

function collectGarbage() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** Least CPU milliseconds of some rounds. */
async function timed(reader, n, rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'readers-'))
  try {
    const files = Object.entries(await reader.make(n, folder))
    for (const [name, content] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      if (content !== undefined) writeFileSync(join(folder, name), content)
    }
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < rounds; i++) {
      const from = process.cpuUsage()
      await reader.read(
        join(folder, files[0][0]),
        files.map(([, content]) => content),
      )
      const { user, system } = process.cpuUsage(from)
      least = Math.min(least, (user + system) / 1000)
    }
    return least
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
