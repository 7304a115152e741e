import { linesOfPage, type PdfLine, type PdfTextItem, withoutRunningLines } from '../pdf-lines.js'
import { pdfSections } from '../pdf-sections.js'
import type { DocumentLoader } from './loader.js'

/** Of all characters; more stand for glyphs whose meaning the file does not tell. */
const MOST_UNREADABLE = 0.3
/** PDF.js's level for errors only: a library prints nothing. */
const QUIET = 0

/** PDF with a text layer: page numbers are kept, headings are lines in a larger font. */
export const pdf: DocumentLoader = {
  name: 'PDF',
  extensions: ['.pdf'],
  async load(bytes) {
    if (isCutOff(bytes)) return { sections: [], problem: 'is damaged: its end is missing' }
    const { getDocumentProxy } = await import('unpdf')
    let document: Awaited<ReturnType<typeof getDocumentProxy>>
    try {
      document = await getDocumentProxy(new Uint8Array(bytes), { verbosity: QUIET })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      if (error.name === 'PasswordException') return { sections: [], problem: 'is encrypted: it needs a password' }
      return { sections: [], problem: `is damaged or not a PDF (${error.message})` }
    }
    try {
      const lines: PdfLine[] = []
      const empty: number[] = []
      for (let number = 1; number <= document.numPages; number++) {
        const page = await document.getPage(number)
        const { items } = await page.getTextContent()
        const found = linesOfPage(items as PdfTextItem[], number, page.view)
        if (found.length === 0) empty.push(number)
        for (const line of found) lines.push(line)
        page.cleanup()
      }
      if (lines.length === 0)
        return { sections: [], problem: 'holds no text: scanned pages need a text layer (OCR) first' }
      if (isUnreadable(lines)) return { sections: [], problem: 'does not tell which characters its glyphs stand for' }
      const sections = pdfSections(withoutRunningLines(lines, document.numPages))
      if (empty.length === 0) return { sections }
      const pages = `${empty.length === 1 ? 'page' : 'pages'} ${empty.join(', ')}`
      return { sections, problem: `holds no text on ${pages} (empty or scanned); the other pages were read` }
    } finally {
      await document.loadingTask.destroy()
    }
  },
}

/** PDF.js would repair such a file and leave out, without a word, what is lost. */
function isCutOff(bytes: Buffer): boolean {
  if (bytes.lastIndexOf('%%EOF') < 0) return bytes.includes('%PDF-')
  // A file made for the web has an end mark after its first page too, and tells its own length.
  const length = /\/Linearized[\s\S]{0,200}?\/L\s+(\d+)/.exec(bytes.toString('latin1', 0, 1024))?.[1]
  return length !== undefined && bytes.length < Number(length)
}

function isUnreadable(lines: readonly PdfLine[]): boolean {
  let all = 0
  let unreadable = 0
  for (const { text } of lines) {
    all += text.length
    unreadable += text.match(/[\ufffd\ue000-\uf8ff]/gu)?.length ?? 0
  }
  return unreadable > all * MOST_UNREADABLE
}
