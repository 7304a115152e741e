import { decodeText } from '../decode-text.js'
import type { DocumentLoader } from './loader.js'

/** Plain text: paragraphs are separated by blank lines. */
export const text: DocumentLoader = {
  name: 'text',
  extensions: ['.txt'],
  async load(bytes) {
    const decoded = decodeText(bytes)
    return decoded.problem === undefined ? { sections: [{ text: decoded.text }] } : { ...decoded, sections: [] }
  },
}
