import { Document, HeadingLevel, Packer, Paragraph, Table, TableCell, TableRow } from 'docx'
import PDFDocument from 'pdfkit'

/** A PDF that `draw` draws. */
export function makePdf(draw: (pdf: PDFKit.PDFDocument) => void, options: PDFKit.PDFDocumentOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pdf = new PDFDocument(options)
    const parts: Buffer[] = []
    pdf.on('data', (part: Buffer) => parts.push(part))
    pdf.on('end', () => resolve(Buffer.concat(parts)))
    pdf.on('error', reject)
    draw(pdf)
    pdf.end()
  })
}

type Part = { heading: string; level?: 1 | 2 } | { table: string[][] } | string

/** A Word document of headings, paragraphs and tables. */
export function makeDocx(parts: readonly Part[]): Promise<Buffer> {
  const children = parts.map(part => {
    if (typeof part === 'string') return new Paragraph(part)
    if ('heading' in part) {
      const heading = part.level === 2 ? HeadingLevel.HEADING_2 : HeadingLevel.HEADING_1
      return new Paragraph({ text: part.heading, heading })
    }
    const rows = part.table.map(
      cells => new TableRow({ children: cells.map(cell => new TableCell({ children: [new Paragraph(cell)] })) }),
    )
    return new Table({ rows })
  })
  return Packer.toBuffer(new Document({ sections: [{ children }] }))
}
