import { loadText } from '../decode-text.js'
import type { DocumentLoader } from './loader.js'

/** Plain text: paragraphs are separated by blank lines. */
export const text: DocumentLoader = {
  name: 'text',
  extensions: ['.txt'],
  load: loadText(text => ({ sections: [{ text }] })),
}
