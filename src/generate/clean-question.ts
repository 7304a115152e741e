import { STYLE_NAMES } from './styles.js'

const STYLE = STYLE_NAMES.join('|').replaceAll('-', '[ -]')
const LABEL = new RegExp(
  `^(?:(?:question|query|q|frage|pregunta|domanda|vraag)\\s*\\d{0,3}\\s*[:：.)]|(?:${STYLE})(?: query| question)?\\s*[:：])\\s*`,
  'iu',
)
const STYLE_MARK = new RegExp(
  `^[([](?:${STYLE})(?: query| question)?[)\\]]\\s*|\\s*[([](?:${STYLE})(?: query| question)?[)\\]]$`,
  'iu',
)
const NUMBER = /^[([]?(\d{1,3})\s*[.):\]、]\s+/u
const BULLET = /^(?:[-*•‣◦▪●–—>]|#{1,6})\s+/u
const EMPHASIS = /^(\*\*|__|\*|_|`+)(?=\S)(.*\S)\1$/su
const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '“': '”',
  '„': '“',
  '‘': '’',
  '«': '»',
  '»': '«',
  '「': '」',
}

/**
 * A query without what a model puts around it: numbering, bullets, labels such as "Question 1:", emphasis, quotes, white space.
 *
 * @param number its place in the list, from 1, where only that number can be numbering ("3. Liga" is a name); any number otherwise
 */
export function cleanQuestion(candidate: string, number?: number): string {
  let text = candidate.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  for (let before = ''; before !== text; ) {
    before = text
    const numbered = NUMBER.exec(text)
    if (numbered && (number === undefined || Number(numbered[1]) === number)) text = text.slice(numbered[0].length)
    // A label may stand in emphasis of its own: "**Question 1:** How ...?"
    text = text
      .replace(/^(\*\*|__)([^*_]{1,40}[:：.)])\1\s*/u, '$2 ')
      .replace(BULLET, '')
      .replace(LABEL, '')
      .replace(STYLE_MARK, '')
    text = unquoted(text.replace(EMPHASIS, '$2').trim())
  }
  return text
}

/** Without quotes around the whole; quotes around a part of it stay. */
function unquoted(text: string): string {
  const close = QUOTES[text[0]]
  if (close === undefined || text.length < 2 || !text.endsWith(close)) return text
  const inner = text.slice(1, -1)
  return inner.includes(text[0]) || inner.includes(close) ? text : inner.trim()
}
