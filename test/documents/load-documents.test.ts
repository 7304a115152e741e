import { symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { chunkDocuments } from '../../src/documents/chunk-documents.js'
import { loadDocuments } from '../../src/documents/load-documents.js'
import { fileWith, folderWith } from '../dataset/temporary-folder.js'
import { rejection } from '../helpers/rejection.js'
import { makeDocx, makePdf } from './make-documents.js'

const names = (files: readonly { file: string }[], folder: string) => files.map(({ file }) => relative(folder, file))

test('a mixed folder becomes chunks of at most 1,024 tokens that hold every sentence; broken files are listed', async () => {
  const spoken = (part: string) => Array.from({ length: 150 }, (_, i) => `In ${part}, sentence ${i} tells of adapter ${i * 7}.`)
  const parts = Object.fromEntries(['pdf', 'docx', 'html', 'md', 'txt'].map(part => [part, spoken(part)]))
  const pdf = await makePdf(page => {
    page.fontSize(20).text('Manual').fontSize(11)
    page.text(parts.pdf.slice(0, 100).join(' ')).addPage().text(parts.pdf.slice(100).join(' '))
  })
  const paragraphs = (list: string[]) => [0, 50, 100].map(from => list.slice(from, from + 50).join(' '))
  const folder = folderWith({
    'manual.pdf': pdf,
    'sub/report.docx': await makeDocx([{ heading: 'Report' }, ...paragraphs(parts.docx)]),
    'sub/page.html': `<html><body><nav><a href="/">Never this</a></nav><main><h1>Page</h1>${paragraphs(parts.html)
      .map(text => `<p>${text}</p>`)
      .join('')}</main><footer>Nor this</footer></body></html>`,
    'notes.md': `# Notes\n\n${paragraphs(parts.md).join('\n\n## More\n\n')}`,
    'utf16.txt': Buffer.from(`\ufeff${parts.txt.join('\r\n')}`, 'utf16le'),
    'faq.csv': 'question,answer\nHow?,So.\n',
    'records.jsonl': '{"text":"A record."}\n{broken\n',
    'empty.md': '',
    'blank.txt': ' \n\n',
    'locked.pdf': await makePdf(page => page.text('x'), { userPassword: 'x' }),
    'cut.pdf': pdf.subarray(0, pdf.length / 2),
    'broken.docx': Buffer.from('PK\x03\x04 and no more'),
    'old.docx': Buffer.from('d0cf11e0a1b11ae100000000', 'hex'),
    'photo.png': Buffer.from([1, 2, 3]),
    'binary.txt': Buffer.from([0, 1, 2, 3]),
    LICENSE: 'text',
    '.hidden.md': 'hidden',
    'node_modules/x/readme.md': 'foreign',
  })
  const told: string[] = []
  const { documents, skipped } = await loadDocuments([folder], { onSkip: ({ file }) => told.push(file) })
  expect(names(documents, folder)).toEqual([
    'faq.csv',
    'manual.pdf',
    'notes.md',
    'records.jsonl',
    'sub/page.html',
    'sub/report.docx',
    'utf16.txt',
  ])
  expect(told).toEqual(skipped.map(({ file }) => file))
  const reasons = Object.fromEntries(skipped.map(({ file, reason }) => [relative(folder, file), reason]))
  expect(reasons).toEqual({
    LICENSE: expect.stringMatching(/^has no extension: expected one of \.pdf, \.docx/),
    'binary.txt': expect.stringMatching(/binary/),
    'blank.txt': 'holds no text',
    'broken.docx': 'is damaged: its ZIP archive cannot be followed',
    'cut.pdf': expect.stringMatching(/^is damaged/),
    'empty.md': 'is empty',
    'locked.pdf': expect.stringMatching(/^is encrypted/),
    'old.docx': expect.stringMatching(/^is encrypted, or a \.doc file/),
    'photo.png': expect.stringMatching(/\(\.png\)/),
    'records.jsonl': expect.stringMatching(/^line 2 holds no JSON object/),
  })
  expect(skipped.filter(({ partly }) => partly).map(({ file }) => relative(folder, file))).toEqual(['records.jsonl'])

  const chunks = await chunkDocuments(documents)
  const texts = chunks.map(({ text }) => text.replaceAll('\n', ' '))
  for (const sentence of Object.values(parts).flat()) {
    expect(
      texts.some(text => text.includes(sentence)),
      sentence,
    ).toBe(true)
  }
  expect(texts.join(' ')).not.toMatch(/Never this|Nor this/)
  expect(chunks.every(({ tokens }) => tokens <= 1024)).toBe(true)
  const inPdf = chunks.filter(({ source }) => source.file.endsWith('.pdf'))
  expect(new Set(inPdf.map(({ source }) => source.page))).toContain(2)
  expect(inPdf.every(({ source }) => source.heading === 'Manual')).toBe(true)
})

test('files come once and sorted, however they are named', async () => {
  const folder = folderWith({ 'b.md': 'B.', 'a/c.md': 'C.', 'a/[x].md': 'X.', 'z.txt': 'Z.' })
  const load = async (...paths: string[]) => names((await loadDocuments(paths)).documents, folder)
  expect(await load(join(folder, 'z.txt'), folder, join(folder, '**/*.md'))).toEqual(['a/[x].md', 'a/c.md', 'b.md', 'z.txt'])
  expect(await load(join(folder, '**/*.md'))).toEqual(['a/[x].md', 'a/c.md', 'b.md'])
  expect(await load(join(folder, 'a/[x].md'))).toEqual(['a/[x].md'])
  const cwd = relative(process.cwd(), join(process.cwd(), 'README.md'))
  expect((await loadDocuments([join(process.cwd(), cwd)])).documents[0].file).toBe('README.md')
})

test('a path, folder or pattern without any file is an error that names it', async () => {
  const folder = folderWith({ '.hidden': '' })
  for (const path of [folder, join(folder, 'none.pdf'), join(folder, '*.pdf'), join(folder, 'none')]) {
    const error = await rejection(loadDocuments([path]))
    expect(error.code).toBe('FILE_NOT_FOUND')
    expect(error.message).toContain(path)
  }
  expect(await rejection(loadDocuments([]))).toMatchObject({ code: 'USAGE' })
})

test('a folder that links to itself and a link to nothing do no harm', async () => {
  const file = fileWith('Text.', 'a.md')
  const folder = join(file, '..')
  symlinkSync(folder, join(folder, 'loop'))
  symlinkSync(join(folder, 'gone.md'), join(folder, 'broken.md'))
  const { documents } = await loadDocuments([folder])
  expect(names(documents, folder)).toContain('a.md')
  expect(await chunkDocuments(documents)).toHaveLength(1)
})

test('a signal stops loading', async () => {
  const error = await rejection(loadDocuments([fileWith('x', 'a.md')], { signal: AbortSignal.abort() }))
  expect(error.code).toBe('ABORTED')
})
