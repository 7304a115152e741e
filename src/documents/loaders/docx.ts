import { htmlSections } from '../html-sections.js'
import type { DocumentLoader } from './loader.js'

const ZIP = Buffer.from('PK\x03\x04', 'latin1')
/** The container of .doc files, and of .docx files with a password. */
const COMPOUND_FILE = Buffer.from('d0cf11e0a1b11ae1', 'hex')

/** Word documents: headings by their styles, tables as rows; images are left out. */
export const docx: DocumentLoader = {
  name: 'DOCX',
  extensions: ['.docx'],
  async load(bytes) {
    if (bytes.subarray(0, COMPOUND_FILE.length).equals(COMPOUND_FILE)) {
      return { sections: [], problem: 'is encrypted, or a .doc file: save it as .docx without a password' }
    }
    if (!bytes.subarray(0, ZIP.length).equals(ZIP)) return { sections: [], problem: 'is not a DOCX file' }
    const { default: mammoth } = await import('mammoth')
    const { parseHTML } = await import('linkedom')
    const { value } = await mammoth.convertToHtml(
      { buffer: bytes },
      { convertImage: mammoth.images.imgElement(async () => ({ src: '' })) },
    )
    return { sections: htmlSections(parseHTML(`<html><body>${value}</body></html>`).document.body) }
  },
}
