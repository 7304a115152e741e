import { checkNesting, htmlSections } from '../html-sections.js'
import { inflatedZipBytes } from '../inflated.js'
import { type DocumentLoader, MAX_DOCUMENT_BYTES, tooLarge } from './loader.js'

const ZIP = Buffer.from('PK\x03\x04', 'latin1')
/** The container of .doc files, and of .docx files with a password. */
const COMPOUND_FILE = Buffer.from('d0cf11e0a1b11ae1', 'hex')
/** XML takes several times its size in memory, so that less of it is read: a fifth of the limit. */
const XML_SHARE = 5

/** Word documents: headings by their styles, tables as rows; images are left out. */
export const docx: DocumentLoader = {
  name: 'DOCX',
  extensions: ['.docx'],
  async load(bytes, maxBytes = MAX_DOCUMENT_BYTES) {
    if (bytes.subarray(0, COMPOUND_FILE.length).equals(COMPOUND_FILE))
      return { sections: [], problem: 'is encrypted, or a .doc file: save it as .docx without a password' }
    if (!bytes.subarray(0, ZIP.length).equals(ZIP)) return { sections: [], problem: 'is not a DOCX file' }
    const limit = Math.ceil(maxBytes / XML_SHARE)
    const size = inflatedZipBytes(bytes, limit)
    if (size === undefined) return { sections: [], problem: 'is damaged: its ZIP archive cannot be followed' }
    if (size > limit) return { sections: [], problem: tooLarge('its XML inflates to', limit) }
    const { default: mammoth } = await import('mammoth')
    const { parseHTML } = await import('linkedom')
    const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
    const { value } = await mammoth.convertToHtml({ buffer: bytes }, { convertImage })
    const { body } = parseHTML(`<html><body>${value}</body></html>`).document
    checkNesting(body)
    return { sections: htmlSections(body) }
  },
}
