import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { chunkDocuments } from '../../src/documents/chunk-documents.js'
import { checkPdfDepth } from '../../src/documents/inflated.js'
import { loadDocuments } from '../../src/documents/load-documents.js'

const folder = mkdtempSync(join(tmpdir(), 'field-documents-'))

async function load(files: Readonly<Record<string, string | Uint8Array>>, maxBytes?: number) {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const paths = Object.keys(files).map(name => join(folder, name))
  const { documents, skipped } = await loadDocuments(paths, { maxBytes })
  const text = documents.flatMap(({ sections }) => sections.map(section => section.text)).join('\n\n')
  return { documents, skipped: skipped.map(({ file, reason }) => `${file.split('/').pop()} ${reason}`), text }
}

/** CPU seconds of the quickest of three runs. */
async function seconds(act: () => Promise<unknown>): Promise<number> {
  const runs: number[] = []
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage()
    await act()
    const { user, system } = process.cpuUsage(before)
    runs.push((user + system) / 1e6)
  }
  return Math.min(...runs)
}

const words = (about: string) => `The answer about ${about} is long enough to be read as a text of this page, by anybody.`

test('what a button, a tab or a question opens is read, with its heading', async () => {
  const { text, documents } = await load({
    'faq.html': `<main><h1>Help</h1>
      <h3><button aria-controls="a" aria-expanded="false">Question one?</button></h3><section id="a" hidden>${words('one')}</section>
      <button data-bs-toggle="collapse" data-bs-target="#b">Question two?</button><div id="b" aria-hidden="true">${words('two')}</div>
      <button aria-expanded="false">Question three?</button><div hidden><p>${words('three')}</p></div>
      <details><summary>Question four?</summary><p>${words('four')}</p></details>
      <button role="tab" id="t5">Tab five</button><div aria-labelledby="t5" hidden>${words('five')}</div>
      <div hidden="until-found">${words('six')}</div></main>`,
  })
  for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) expect(text).toContain(words(name))
  for (const name of ['one', 'two', 'three', 'four']) {
    expect(text.indexOf(`Question ${name}?`)).toBeGreaterThanOrEqual(0)
    expect(text.indexOf(`Question ${name}?`)).toBeLessThan(text.indexOf(words(name)))
  }
  expect(text.match(/Question two\?/g)).toHaveLength(1)
  expect(text).toContain('Tab five')
  expect(documents[0].sections.map(({ heading }) => heading)).toContain('Help > Question one?')
})

test('what the style of a panel hides is read too, beside navigation', async () => {
  const questions = ['one', 'two', 'three'].map(
    name => `<h2><button data-bs-toggle="collapse" data-bs-target="#${name}">Question ${name}?</button></h2>
      <div id="${name}" class="collapse" style="display: none"><p>${words(name)} ${'and more words of it, '.repeat(10)}</p></div>`,
  )
  const menu = '<nav class="menu"><a href="/">Home</a><a href="/b">Other pages</a></nav>'
  const { text } = await load({ 'faq.html': `<body>${menu}<div class="content">${questions.join('')}</div></body>` })
  for (const name of ['one', 'two', 'three']) expect(text).toContain(words(name))
  expect(text).not.toContain('Other pages')
})

test('what is hidden and opened by no button or tab stays out, as do dialogs, menus and templates', async () => {
  const { text } = await load({
    'page.html': `<main><h1>Page</h1><p>${words('all')}</p><div hidden>secret one</div><p aria-hidden="true">secret two</p>
      <template>secret three</template><button aria-controls="d">Open</button><div role="dialog" id="d" hidden>secret four</div>
      <button aria-haspopup="true" aria-controls="m">Menu</button><ul id="m" hidden><li>secret five</li></ul>
      <button data-bs-toggle="modal" data-bs-target="#x">Buy</button><div id="x" hidden>secret six</div></main>`,
  })
  expect(text).toContain(words('all'))
  expect(text).not.toMatch(/secret/)
})

test.each([
  ['open braces', '<html{{{'],
  ['a drawing that closes more than it opens', `<svg></p></svg></div></div></div></html></html><p>${words('it')}`],
  ['nothing but closing tags', '</p></body></html></html></html><p>x'],
  ['half a tag', '<div class="'],
])('HTML that the parser cannot follow is read as text or skipped with a reason for people: %s', async (_, html) => {
  const { text, skipped } = await load({ 'broken.html': html })
  if (text === '') expect(skipped[0]).toMatch(/^broken\.html (is broken HTML|holds no text)/)
  expect(skipped.join()).not.toMatch(/Cannot read|undefined|null|querySelector/)
})

test('HTML is nested at most 512 levels deep, and the reason says so', async () => {
  const nested = (levels: number) => `${'<div>'.repeat(levels)}<p>${words('depth')}</p>`
  const { skipped, text } = await load({ 'deep.html': nested(30_000), 'list.html': `${'<ul><li>'.repeat(9000)}x` })
  expect(skipped).toEqual([
    'deep.html cannot be read as HTML: its elements are nested deeper than 512 levels',
    'list.html cannot be read as HTML: its elements are nested deeper than 512 levels',
  ])
  expect(text).toBe('')
  expect((await load({ 'fine.html': nested(200) })).text).toContain(words('depth'))
})

test('entities take time in proportion to their number', async () => {
  const page = (n: number) => ({ 'entities.html': `<p>${'&lt;&nbsp;&#65;'.repeat(n)}</p>` })
  const small = await seconds(() => load(page(15_000)))
  expect(await seconds(() => load(page(60_000)))).toBeLessThan(4 * 2 * small + 0.2)
})

test.each([
  ['stars', (n: number) => `# ${'*a '.repeat(n / 3)}`],
  ['ticks', (n: number) => `# ${'`a '.repeat(n / 3)}`],
  ['brackets', (n: number) => `# ${'['.repeat(n)}`],
  ['links', (n: number) => `# ${'[a]('.repeat(n / 4)}`],
  ['blanks', (n: number) => `# a${' '.repeat(n)}x`],
  ['number signs', (n: number) => `# a${' #'.repeat(n / 2)}x`],
  ['an underline', (n: number) => `${'*a '.repeat(n / 3)}\n===`],
])('a heading of 80,000 characters is read in less than a second: %s', async (_, heading) => {
  const file = { 'heading.md': `${heading(80_000)}\n\n${words('it')}\n` }
  expect(await seconds(async () => expect((await load(file)).text).toContain(words('it')))).toBeLessThan(1)
})

test('the marks of a heading of usual length are removed, and the signs that close it', async () => {
  const { documents } = await load({
    'a.md': '## *One* [two](x.html) `three` ##\n\ntext\n\n# C#\n\ntext\n\n# ###\n\ntext',
  })
  expect(documents[0].sections.map(({ heading }) => heading)).toEqual(['One two three', 'C#', ''])
})

function zip(entries: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const [name, content] of Object.entries(entries)) {
    const data = deflateRawSync(content)
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(8, 4)
    head.writeUInt32LE(crc32(content), 10)
    head.writeUInt32LE(data.length, 14)
    head.writeUInt32LE(content.length, 18)
    head.writeUInt16LE(name.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, tail, Buffer.from(name))
    parts.push(Buffer.from('PK\x03\x04'), head, Buffer.from(name), data)
    at += 30 + name.length + data.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(Object.keys(entries).length, 8)
  end.writeUInt16LE(Object.keys(entries).length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, directory, end])
}

const OPEN = 'http://schemas.openxmlformats.org'
const docx = (body: string): Buffer =>
  zip({
    '[Content_Types].xml': Buffer.from(
      `<?xml version="1.0"?><Types xmlns="${OPEN}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    ),
    '_rels/.rels': Buffer.from(
      `<?xml version="1.0"?><Relationships xmlns="${OPEN}/package/2006/relationships"><Relationship Id="r1" Type="${OPEN}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    ),
    'word/document.xml': Buffer.from(
      `<?xml version="1.0"?><w:document xmlns:w="${OPEN}/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`,
    ),
  })
const paragraph = (text: string) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`

function pdf(stream: Buffer, filter: string, kids = 1): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${'3 0 R '.repeat(kids)}] /Count ${kids} >>`,
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} /Filter ${filter} >>\nstream\n${stream.toString('latin1')}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const places = objects.map((object, i) => {
    const at = text.length
    text += `${i + 1} 0 obj\n${object}\nendobj\n`
    return `${String(at).padStart(10, '0')} 00000 n \n`
  })
  const start = text.length
  text += `xref\n0 6\n0000000000 65535 f \n${places.join('')}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${start}\n%%EOF`
  return Buffer.from(text, 'latin1')
}

test('a document that inflates beyond the limit is skipped and named, and the others are read', async () => {
  const blanks = Buffer.alloc(120e6, 32)
  const text = (line: string) => Buffer.from(`BT /F1 12 Tf 72 700 Td (${line}) Tj ET`)
  const { skipped, documents } = await load({
    'paragraphs.docx': docx(paragraph('a').repeat(500_000)),
    'long.docx': docx(paragraph('b'.repeat(12 << 20))),
    'once.pdf': pdf(deflateSync(blanks), '/FlateDecode'),
    'twice.pdf': pdf(deflateSync(deflateSync(blanks)), '[/FlateDecode /FlateDecode]'),
    'fine.docx': docx(paragraph(words('docx'))),
    'fine.pdf': pdf(deflateSync(text('A page of words')), '/FlateDecode'),
    'fine.md': words('markdown'),
  })
  expect(skipped).toEqual([
    expect.stringMatching(/^long\.docx is too large: its XML inflates to more than 10 MiB; raise --max-document-bytes/),
    expect.stringMatching(/^once\.pdf is too large: its pages inflate to more than 50 MiB/),
    expect.stringMatching(/^paragraphs\.docx is too large/),
    expect.stringMatching(/^twice\.pdf is too large/),
  ])
  expect(documents.map(({ file }) => file.split('/').pop())).toEqual(['fine.docx', 'fine.md', 'fine.pdf'])
  expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(1500)
})

test('a PDF that names one page again and again is skipped', async () => {
  const { skipped } = await load({ 'a.pdf': pdf(Buffer.from('BT /F1 12 Tf (a) Tj ET'), '[]', 20_000) })
  expect(skipped).toEqual([expect.stringMatching(/^a\.pdf is too large: its 20000 pages count for more than 50 MiB/)])
})

test.each<[string, (n: number) => string, RegExp]>([
  ['open comments', n => '<!--'.repeat(n), /has a <!-- without -->/],
  ['open instructions', n => '<?a '.repeat(n), /has a <\? without \?>/],
  ['open CDATA', n => `${'<![CDATA['.repeat(n)}`, /has a <!\[CDATA\[ without \]\]>/],
  ['document types', n => '<!DOCTYPE a [ '.repeat(n), /has markup outside its root element/],
  ['further roots', n => `</w:body></w:document>${'<a/>'.repeat(n)}`, /has markup outside its root element/],
  ['closings', n => '</w:body>'.repeat(n), /has markup outside its root element/],
])('a DOCX with thousands of %s is skipped at once', async (_, markup, reason) => {
  const file = docx(markup(40_000))
  expect((await load({ 'a.docx': file })).skipped).toEqual([expect.stringMatching(reason)])
  expect(await seconds(() => load({ 'a.docx': file }))).toBeLessThan(0.5)
})

test.each([
  ['tabs', '\t'.repeat(200_000)],
  ['tabs behind a rule', `|-|-${'\t'.repeat(200_000)}`],
  ['tabs and bars', '\t|'.repeat(100_000)],
])('a line of %s is cut into chunks in no time', async (_, line) => {
  const { documents } = await load({ 'a.md': `${line}.` })
  expect(await seconds(async () => chunkDocuments(documents))).toBeLessThan(1)
})

test('comments and CDATA of a DOCX are no markup', async () => {
  const { text } = await load({
    'a.docx': docx(`<!-- <a> --><![CDATA[<b>]]>${paragraph(words('comments'))}`.repeat(600)),
  })
  expect(text).toContain(words('comments'))
})

test('the limit can be set, and counts for every kind of document', async () => {
  const { skipped } = await load({ 'a.md': 'x'.repeat(3000), 'b.docx': docx(paragraph('y'.repeat(3000))) }, 2000)
  expect(skipped).toEqual([
    expect.stringMatching(/^a\.md is too large: it has more than 2000 bytes/),
    expect.stringMatching(/^b\.docx is too large: its XML inflates to more than 400 bytes/),
  ])
})

/** A PDF of one page whose content is a stream with the given filters. */
const pdfOf = (filter: string, content: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(
      `%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>\nendobj\n4 0 obj\n<< /Length ${content.length} /Filter ${filter} >>\nstream\n`,
    ),
    content,
    Buffer.from('\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n'),
  ])

/** LZW codes of the longest runs of blanks that a table takes, one byte longer each. */
function lzwBlanks(codes: number): Buffer {
  let bits = ''
  let width = 9
  const put = (code: number) => {
    bits += code.toString(2).padStart(width, '0')
  }
  put(256)
  for (let i = 0; i < codes; i++) {
    put(i === 0 ? 32 : 257 + i)
    width = Math.min(12, Math.floor(Math.log2(i + 259)) + 1)
  }
  put(257)
  return Buffer.from((bits.match(/.{1,8}/g) ?? []).map(byte => Number.parseInt(byte.padEnd(8, '0'), 2)))
}

const hex = (bytes: Uint8Array) => Buffer.from(`${Buffer.from(bytes).toString('hex')}>`)
/** Groups of four zero bytes. */
const zeros85 = (groups: number) => Buffer.from(`${'z'.repeat(groups)}~>`)
const runs = (count: number) => Buffer.concat([...Array.from({ length: count }, () => Buffer.of(129, 32)), Buffer.of(128)])

test.each([
  ['LZW', '/LZWDecode', lzwBlanks(2000), (2000 * 2001) / 2],
  ['LZW in hexadecimal', '[/ASCIIHexDecode /LZWDecode]', hex(lzwBlanks(1500)), (1500 * 1501) / 2],
  ['run lengths', '/RunLengthDecode', runs(9000), 9000 * 128],
  ['ASCII85', '/A85', zeros85(300_000), 1_200_000],
  ['run lengths in Flate', '[ /FlateDecode /RL ]', deflateSync(runs(9000)), 9000 * 128],
])('a stream of a PDF in %s counts for what it inflates to', async (_, filter, content, size) => {
  const file = { 'bomb.pdf': pdfOf(filter, content) }
  const { skipped } = await load(file, size - 1000)
  expect(skipped).toEqual([expect.stringMatching(/^bomb\.pdf is too large: its pages inflate to more than/)])
  // With more room it is read: these pages hold no text.
  expect((await load(file, 2 * size + 100_000)).skipped[0]).toMatch(/holds no text/)
})

test('files that nest deep or leave objects open are refused at once, without the words of a parser', async () => {
  const open = '2 0 obj\n<<\n/Names '.repeat(3000)
  const string = '15 0 obj\n(open '.repeat(3000)
  const pdf = (body: string) => `%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n${body}\n%%EOF\n`
  const taken = await seconds(async () => {
    const { skipped } = await load({
      'names.pdf': pdf(open.replaceAll('/Names', 'endobj')),
      'strings.pdf': pdf(string),
      'strings in objects.pdf': pdf('15 0 obj\n(open (a) \nendobj\n'.repeat(3000)),
      'digits in objects.pdf': pdf('15 0 obj\n<41 \nendobj\n'.repeat(3000)),
      'deep.pdf': pdf(`2 0 obj\n${'<< /A '.repeat(600)}`),
    })
    expect(skipped).toEqual([
      expect.stringMatching(/^deep\.pdf cannot be read as PDF: it is nested deeper than 512 levels/),
      expect.stringMatching(/^digits in objects\.pdf cannot be read as PDF: it has more than 200 objects without an end/),
      expect.stringMatching(/^names\.pdf cannot be read as PDF: it has more than 200 objects without an end/),
      expect.stringMatching(/^strings in objects\.pdf cannot be read as PDF: it has more than 200 objects without an end/),
      expect.stringMatching(/^strings\.pdf cannot be read as PDF: it has more than 200 objects without an end/),
    ])
  })
  expect(taken).toBeLessThan(1)
  // Brackets of any kind, and escapes, in a text are its own.
  const text = '<< /Contents (a < b [ see \\( and (c) \\\\) /ID <4142> >>'
  expect(() => checkPdfDepth(Buffer.from(pdf(`15 0 obj\n${text}\nendobj\n`.repeat(3000))))).not.toThrow()
})
