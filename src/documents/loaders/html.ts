import { loadText } from '../decode-text.js'
import { htmlSections } from '../html-sections.js'
import { mainContent } from '../main-content.js'
import type { DocumentLoader } from './loader.js'

/** Bytes in which a page must declare its encoding. */
const DECLARATION = 1024

/** HTML: the main text of a page, without navigation, headers, footers, asides and scripts. */
export const html: DocumentLoader = {
  name: 'HTML',
  extensions: ['.html', '.htm', '.xhtml'],
  load: loadText(async text => {
    try {
      return { sections: htmlSections(await mainContent(text)) }
    } catch (error) {
      // What broken markup does to the parser says nothing to people.
      if (!(error instanceof TypeError)) throw error
      return { sections: [], problem: 'is broken HTML: its markup cannot be followed' }
    }
  }, declaredEncoding),
}

function declaredEncoding(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, DECLARATION)
  const label = /<(?:meta[^>]+charset|\?xml[^>]+encoding)\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1]
  try {
    return label && new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}
