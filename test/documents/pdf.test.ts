import { afterEach, expect, test, vi } from 'vitest'
import { pdf } from '../../src/documents/loaders/pdf.js'
import { dehyphenate } from '../../src/documents/pdf-sections.js'
import { makePdf } from './make-documents.js'

const printed = (['log', 'info', 'warn', 'error'] as const).map(method => vi.spyOn(console, method))
afterEach(() => {
  for (const spy of printed) expect(spy).not.toHaveBeenCalled()
})

test('pages, headings by size, paragraphs', async () => {
  const bytes = await makePdf(page => {
    page.fontSize(24).text('Guide').fontSize(12).moveDown()
    page.text(`${'The adapter is small. '.repeat(12)}End of one.`).moveDown()
    page.text('Second paragraph.').addPage()
    page.fontSize(16).text('Details').fontSize(12).text('On page two.')
  })
  const { sections, problem } = await pdf.load(bytes)
  expect(problem).toBeUndefined()
  expect(sections).toEqual([
    {
      text: `Guide\n\n${'The adapter is small. '.repeat(12)}End of one.\n\nSecond paragraph.`,
      page: 1,
      heading: 'Guide',
      starts: 'heading',
    },
    { text: 'Details\n\nOn page two.', page: 2, heading: 'Guide > Details', starts: 'heading' },
  ])
})

test('running headers and page numbers in the margins are left out, repeated text in the page is not', async () => {
  const bytes = await makePdf(
    page => {
      for (let i = 1; i <= 4; i++) {
        if (i > 1) page.addPage()
        page.fontSize(9).text('ACME manual', 72, 30).text(`Page ${i} of 4`, 72, 750, { lineBreak: false })
        page.fontSize(12).text(`Chapter ${i}`, 72, 100).text('Same words.')
      }
    },
    { margins: { top: 20, bottom: 20, left: 72, right: 72 } },
  )
  const text = (await pdf.load(bytes)).sections.map(section => section.text).join('\n')
  expect(text).not.toMatch(/ACME|of 4/)
  expect(text.match(/Chapter \d/g)).toEqual(['Chapter 1', 'Chapter 2', 'Chapter 3', 'Chapter 4'])
  expect(text.match(/Same words\./g)).toHaveLength(4)
})

test('encrypted, cut off, scanned and false PDFs are told apart', async () => {
  const good = await makePdf(page => page.text('Words. '.repeat(500)))
  const cases: [Buffer, RegExp][] = [
    [await makePdf(page => page.text('x'), { userPassword: 'secret' }), /^is encrypted/],
    [good.subarray(0, Math.floor(good.length * 0.7)), /^is damaged: its end is missing/],
    [good.subarray(0, good.length - 40), /^is damaged/],
    [await makePdf(page => page.rect(10, 10, 50, 50).fill()), /^holds no text: scanned/],
    [Buffer.from('<html>not a PDF</html>'), /^is damaged or not a PDF/],
  ]
  for (const [bytes, reason] of cases) {
    const { sections, problem } = await pdf.load(bytes)
    expect(problem).toMatch(reason)
    expect(sections).toEqual([])
  }
})

test('a PDF that only restricts printing is read; a page without text is told', async () => {
  const restricted = await makePdf(page => page.text('Open.'), { ownerPassword: 'owner' })
  expect((await pdf.load(restricted)).sections).toMatchObject([{ text: 'Open.', page: 1 }])
  const bytes = await makePdf(page => {
    page.text('One.').addPage().rect(10, 10, 50, 50).fill().addPage().fillColor('black').text('Three.')
  })
  const { sections, problem } = await pdf.load(bytes)
  expect(sections.map(({ text, page }) => [text, page])).toEqual([
    ['One.', 1],
    ['Three.', 3],
  ])
  expect(problem).toBe('holds no text on page 2 (empty or scanned); the other pages were read')
})

test('words broken at the end of a line are put together, hyphens of compounds stay', () => {
  const lines = ['a query-side map, and the exam-', 'ple of a query-', 'side map for COVID-', '19 and state-of-the-', 'art work']
  expect(dehyphenate(lines)).toEqual([
    'a query-side map, and the example',
    'of a query-side',
    'map for COVID-19',
    'and state-of-the-art',
    'work',
  ])
  expect(dehyphenate(['the base and the model of a base-', 'model'])).toEqual(['the base and the model of a base-model', ''])
  expect(dehyphenate(['soft\u00ad', 'ware', 'a dash -', 'here'])).toEqual(['software', '', 'a dash -', 'here'])
})
