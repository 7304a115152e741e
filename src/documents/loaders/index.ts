import { loadText } from '../decode-text.js'
import { csv } from './csv.js'
import { docx } from './docx.js'
import { html } from './html.js'
import { jsonl } from './jsonl.js'
import type { DocumentLoader } from './loader.js'
import { markdown } from './markdown.js'
import { pdf } from './pdf.js'

/** Plain text: paragraphs are separated by blank lines. */
export const text: DocumentLoader = { name: 'text', extensions: ['.txt'], load: loadText(text => ({ sections: [{ text }] })) }

export const DOCUMENT_LOADERS: readonly DocumentLoader[] = [pdf, docx, html, markdown, text, csv, jsonl]

export const DOCUMENT_EXTENSIONS: readonly string[] = DOCUMENT_LOADERS.flatMap(loader => loader.extensions)
