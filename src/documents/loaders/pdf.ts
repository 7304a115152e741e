import { setImmediate as nextTurn } from 'node:timers/promises'
import { checkPdfDepth, pdfInflatesAbove } from '../inflated.js'
import { linesOfPage, type PdfLine, type PdfTextItem, pdfSections, withoutRunningLines } from '../pdf-sections.js'
import { type DocumentLoader, type Loaded, MAX_DOCUMENT_BYTES, tooLarge } from './loader.js'

/** Share of characters for which the file may have a glyph without a meaning. */
const MOST_UNREADABLE = 0.3
/** Names of PDF.js's own errors, of which every release has some more. */
const PDF_ERRORS = /Exception$|^FormatError$/
/** PDF.js's level for errors only: a library prints nothing. */
const QUIET = 0
/** Bytes that a page counts for, whatever it holds: each takes time. */
const PAGE_BYTES = 4096

/** PDF with a text layer: page numbers are kept, headings are lines in a larger font. */
export const pdf: DocumentLoader = {
  name: 'PDF',
  extensions: ['.pdf'],
  async load(bytes, maxBytes = MAX_DOCUMENT_BYTES) {
    if (isCutOff(bytes)) return { sections: [], problem: 'is damaged: its end is missing' }
    if (pdfInflatesAbove(bytes, maxBytes)) return { sections: [], problem: tooLarge('its pages inflate to', maxBytes) }
    checkPdfDepth(bytes)
    process.on('unhandledRejection', ignoreFormatErrors)
    try {
      return await read(bytes, maxBytes)
    } finally {
      await nextTurn()
      process.off('unhandledRejection', ignoreFormatErrors)
    }
  },
}

/** Of a damaged file PDF.js leaves promises behind that nobody waits for; they would end the process. */
function ignoreFormatErrors(reason: unknown): void {
  if (!PDF_ERRORS.test(String((reason as { name?: unknown } | null)?.name))) throw reason
}

async function read(bytes: Buffer, maxBytes: number): Promise<Loaded> {
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
    let characters = 0
    const most = Math.max(1, Math.floor(maxBytes / PAGE_BYTES))
    if (document.numPages > most) return { sections: [], problem: tooLarge(`its ${document.numPages} pages count for`, maxBytes) }
    for (let number = 1; number <= document.numPages; number++) {
      const page = await document.getPage(number)
      const { items } = await page.getTextContent()
      const found = linesOfPage(items as PdfTextItem[], number, page.view)
      characters += found.reduce((sum, line) => sum + line.text.length, items.length)
      if (characters > maxBytes) return { sections: [], problem: tooLarge('its text has', maxBytes) }
      if (found.length === 0) empty.push(number)
      for (const line of found) lines.push(line)
      page.cleanup()
    }
    if (lines.length === 0) return { sections: [], problem: 'holds no text: scanned pages need a text layer (OCR) first' }
    if (isUnreadable(lines)) return { sections: [], problem: 'does not tell which characters its glyphs stand for' }
    const sections = pdfSections(withoutRunningLines(lines, document.numPages))
    if (empty.length === 0) return { sections }
    const pages = `${empty.length === 1 ? 'page' : 'pages'} ${empty.join(', ')}`
    return { sections, problem: `holds no text on ${pages} (empty or scanned); the other pages were read` }
  } finally {
    await document.loadingTask.destroy()
  }
}

// PDF.js would repair such a file and silently leave out the lost part.
function isCutOff(bytes: Buffer): boolean {
  if (bytes.lastIndexOf('%%EOF') < 0) return bytes.includes('%PDF-')
  // A file made for the web has an end mark after its first page too, and tells its own length.
  const length = /\/Linearized[\s\S]{0,200}?\/L\s+(\d+)/.exec(bytes.toString('latin1', 0, 1024))?.[1]
  return length !== undefined && bytes.length < Number(length)
}

function isUnreadable(lines: readonly PdfLine[]): boolean {
  const text = lines.map(line => line.text).join('')
  return (text.match(/[\ufffd\ue000-\uf8ff]/gu)?.length ?? 0) > text.length * MOST_UNREADABLE
}
