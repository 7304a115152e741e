import { parseBytes } from '../../memory-limit.js'
import { TERM_BYTES, TEXT_TERMS, TEXT_TERMS_DEFAULT } from '../../pipeline/defaults.js'
import { choice, dir, file, inGroup, integer, text } from './rows.js'

export const termsOptions = inGroup('Text terms', {
  'text-terms': choice(
    TEXT_TERMS,
    'words of a query mixed into its vector: from a table of words, by feedback, or the better one out of fold',
    { default: TEXT_TERMS_DEFAULT },
  ),
  corpus: file('documents of your search (id and text), from which terms are made (default: all of the run)'),
  'term-rows': integer('rows of the table of words (default: 40,000 or 300,000, selected)', { min: 1 }),
  'term-bytes': text(`largest file of feedback (default: ${TERM_BYTES / 1e6}MB)`, { placeholder: 'SIZE', coerce: parseBytes }),
})

export const textsOption = dir('train.json and test.json with the texts behind --vectors, in the order of the rows')
