import { expect, test } from 'vitest'
import { csv } from '../../src/documents/loaders/csv.js'
import { docx } from '../../src/documents/loaders/docx.js'
import { html } from '../../src/documents/loaders/html.js'
import { text } from '../../src/documents/loaders/index.js'
import { jsonl } from '../../src/documents/loaders/jsonl.js'
import type { DocumentLoader } from '../../src/documents/loaders/loader.js'
import { markdown } from '../../src/documents/loaders/markdown.js'
import { makeDocx } from './make-documents.js'

const sectionsOf = async (loader: DocumentLoader, content: string) => (await loader.load(Buffer.from(content))).sections
const textOf = async (loader: DocumentLoader, content: string) =>
  (await sectionsOf(loader, content)).map(section => section.text).join('\n\n')

test('Markdown is divided at headings, whose path is kept, and not at comments in code', async () => {
  const source =
    '---\ntitle: x\n---\nBefore.\n\n# One\n\n```sh\n# no heading\n```\n\n## **Two** `b` ##\nText.\n\nThree\n=====\n\nEnd.'
  expect(await sectionsOf(markdown, source)).toEqual([
    { text: 'Before.' },
    { text: '# One\n\n```sh\n# no heading\n```', heading: 'One', starts: 'heading' },
    { text: '## **Two** `b` ##\nText.', heading: 'One > Two b', starts: 'heading' },
    { text: 'Three\n=====\n\nEnd.', heading: 'Three', starts: 'heading' },
  ])
})

test('a line of dashes under a paragraph of several lines, a list or a table makes no heading', async () => {
  expect(await sectionsOf(markdown, 'one\ntwo\n---\n\n- item\n---\n\na | b\n--- | ---\n1 | 2')).toHaveLength(1)
})

test('HTML without main: navigation, header links, aside, footer, scripts and styles are left out', async () => {
  const page = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a> <a href="/x">Shop now</a></nav>
    <h1>Card&shy;holder guide</h1><p>The card arrives by post.<br>It is <b>not</b> active.</p>
    <h2>Activate</h2><ul><li>Open the app.</li><li>Tap <i>activate</i>.<ul><li>Nested one.</li></ul></li></ul>
    <table><tr><th>Country</th><th>Fee</th></tr><tr><td>Latvia</td><td>2 | 3 EUR</td></tr></table>
    <pre>line one
  line two</pre>
    <aside>Read our other articles.</aside><footer>Imprint and cookies.</footer><script>alert(1)</script></body></html>`
  expect(await sectionsOf(html, page)).toEqual([
    {
      text: 'Cardholder guide\n\nThe card arrives by post.\nIt is not active.',
      heading: 'Cardholder guide',
      starts: 'heading',
    },
    {
      text:
        'Activate\n\n- Open the app.\n- Tap activate.\n- Nested one.\n\n' +
        '| Country | Fee |\n| Latvia | 2 \\| 3 EUR |\n\n```\nline one\n  line two\n```',
      heading: 'Cardholder guide > Activate',
      starts: 'heading',
    },
  ])
})

test('HTML with main takes main, with remarks in it but no footer', async () => {
  const page =
    '<body><div>Cookie wall.</div><main><p>Text.</p><aside class="note">Mind this.</aside><aside>More stories</aside><footer>By X</footer></main></body>'
  expect(await textOf(html, page)).toBe('Text.\n\nMind this.')
})

test('HTML made of divs is read by Readability: the article without menu, sidebar and share links', async () => {
  const paragraph = 'A long sentence about adapters, which is the text of this page, and not of its menus, goes here. '
  const page = `<html><head><title>Adapters</title></head><body><div id="menu"><a href="a">Menu entry</a><a href="b">Second entry</a></div>
    <div class="sidebar"><a href="c">Sidebar story</a></div><div class="content"><h1>Adapters</h1>
    ${Array.from({ length: 6 }, (_, i) => `<p>Paragraph ${i}. ${paragraph.repeat(3)}</p>`).join('')}</div>
    <div class="share">Share this on X</div></body></html>`
  const found = await textOf(html, page)
  for (let i = 0; i < 6; i++) expect(found).toContain(`Paragraph ${i}.`)
  expect(found).toMatch(/^Adapters\n/)
  expect(found).not.toMatch(/Menu entry|Sidebar story|Share this/)
})

test('HTML in which Readability finds no article gives all of its text', async () => {
  const page = '<body><div class="header">Shop</div><p>Open from 9 to 5.</p><p>Closed on Sunday.</p></body>'
  expect(await textOf(html, page)).toContain('Open from 9 to 5.\n\nClosed on Sunday.')
})

test('a fragment of HTML, and HTML in a declared older encoding, are read', async () => {
  expect(await textOf(html, '<p>Only a paragraph.</p>')).toBe('Only a paragraph.')
  const latin = Buffer.from('<html><head><meta charset="iso-8859-1"></head><body><p>Caf\u00e9</p></body></html>', 'latin1')
  expect((await html.load(latin)).sections).toEqual([{ text: 'Café' }])
})

test('DOCX: headings by their styles, paragraphs, rows of tables', async () => {
  const bytes = await makeDocx([
    'Preface.',
    { heading: 'Fees' },
    'Fees are low.',
    { heading: 'Abroad', level: 2 },
    {
      table: [
        ['Country', 'Fee'],
        ['Latvia', '2 EUR'],
      ],
    },
  ])
  expect((await docx.load(bytes)).sections).toEqual([
    { text: 'Preface.' },
    { text: 'Fees\n\nFees are low.', heading: 'Fees', starts: 'heading' },
    { text: 'Abroad\n\n| Country | Fee |\n| Latvia | 2 EUR |', heading: 'Fees > Abroad', starts: 'heading' },
  ])
})

test('CSV rows become lines with their columns, whatever the delimiter; empty cells are left out', async () => {
  const rows = 'name,note\n"Ada, L.","two\nlines ""quoted"""\nBob,\n'
  expect(await sectionsOf(csv, rows)).toEqual([{ text: 'name: Ada, L.; note: two lines "quoted"\nname: Bob', rows: true }])
  expect(await textOf(csv, 'a;b\n1,5;2\n')).toBe('a: 1,5; b: 2')
  expect(await textOf(csv, 'a\tb\r\n1\t2\r\n')).toBe('a: 1; b: 2')
})

test('CSV with only a header, or with a quote that is never closed, tells so', async () => {
  expect((await csv.load(Buffer.from('a,b\n'))).problem).toBe('has no row under its header')
  expect((await csv.load(Buffer.from('a,b\n"1,2\n3,4\n'))).problem).toMatch(/^is not CSV/)
})

test('JSON Lines: texts stand alone, other records are rows, broken lines are told and the others read', async () => {
  const lines = [
    '{"title":"T","text":"Body."}',
    '{"a":1,"b":{"c":"x"},"d":null}',
    'oops',
    '"plain"',
    '[1]',
    '{"text":"\\ud800x"}',
  ]
  expect(await jsonl.load(Buffer.from(lines.join('\r\n')))).toEqual({
    sections: [
      { text: 'T\n\nBody.', heading: 'T', starts: 'record' },
      { text: 'a: 1; b: {"c":"x"}', rows: true },
      { text: 'plain', starts: 'record' },
      { text: '\ufffdx', starts: 'record' },
    ],
    problem: '2 lines (3, 5) hold no JSON object; the other lines were read',
  })
})

test('text in UTF-8 with a mark and UTF-16 of both orders is the same; line breaks become line feeds', async () => {
  const wanted = [{ text: 'Grüße 👋\n你好\n' }]
  const source = '\ufeffGrüße 👋\r\n你好\r'
  const little = Buffer.from(source, 'utf16le')
  expect((await text.load(Buffer.from(source))).sections).toEqual(wanted)
  expect((await text.load(little)).sections).toEqual(wanted)
  expect((await text.load(Buffer.from(little).swap16())).sections).toEqual(wanted)
})

test('text that is not UTF-8 is told with its line, binary data is told as such', async () => {
  expect((await text.load(Buffer.from('ok\nok\ncaf\xe9\n', 'latin1'))).problem).toMatch(/^is not UTF-8 \(line 3\)/)
  expect((await text.load(Buffer.from([0x89, 0x50, 0, 1, 2]))).problem).toMatch(/binary/)
  expect((await text.load(Buffer.from('UTF-16 without mark', 'utf16le'))).problem).toMatch(/binary/)
})
