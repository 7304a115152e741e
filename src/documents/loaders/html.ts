import { decodeText } from '../decode-text.js'
import { htmlSections } from '../html-sections.js'
import { mainContent } from '../main-content.js'
import type { DocumentLoader } from './loader.js'

/** Bytes in which a page has to name its encoding. */
const DECLARATION = 1024

/** HTML: the main text of a page, without navigation, headers, footers, asides and scripts. */
export const html: DocumentLoader = {
  name: 'HTML',
  extensions: ['.html', '.htm', '.xhtml'],
  async load(bytes) {
    const decoded = decodeText(bytes, declaredEncoding)
    if (decoded.problem !== undefined) return { ...decoded, sections: [] }
    return { sections: htmlSections(await mainContent(decoded.text)) }
  },
}

/** The encoding that a page names in itself, if it is one that can be read. */
function declaredEncoding(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, DECLARATION)
  const label = /<(?:meta[^>]+charset|\?xml[^>]+encoding)\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1]
  try {
    return label && new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}
