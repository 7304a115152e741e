import { describe, expect, test } from 'vitest'
import { termCheck, termKey } from '../../src/terms/keys.js'
import { analyze, createTokenizer, termsOf } from '../../src/terms/tokens.js'

const english = createTokenizer({ english: true, common: [] })
const plain = createTokenizer({ english: false, common: [] })

describe('words', () => {
  test('are lower case, without stop words, English plurals taken off', () => {
    expect(english('What are the Risks of our Companies?').words).toEqual(['risk', 'our', 'company'])
  })

  test('keep stop words where there is nothing else', () => {
    expect(english('Is it in?').words).toEqual(['is', 'it', 'in'])
  })

  test('keep their endings where texts are not English', () => {
    expect(plain('Haus Glas Die Autos').words).toEqual(['haus', 'glas', 'die', 'autos'])
  })

  test('fold case and accents, and compatible forms', () => {
    expect(plain('Straße STRASSE Café ＣＡＦＥ İstanbul').words).toEqual(['strasse', 'strasse', 'cafe', 'cafe', 'istanbul'])
  })

  test('keep the marks of scripts that write vowels with them', () => {
    expect(plain('हिन्दी में').words).toEqual(['हिन्दी', 'में'])
  })

  // How a compound is divided differs between versions of ICU.
  test.each([
    ['東京に行く', ['東京', 'に', '行く']],
    ['我们去上海', ['我们', '去', '上海']],
    ['ภาษาไทยไม่มีเว้นวรรค', ['ภาษา', 'ไทย', 'ไม่มี', 'เว้น', 'วรรค']],
  ])('are found in scripts without spaces: %s', (text, words) => {
    expect(plain(text).words).toEqual(words)
  })
})

describe('numbers and identifiers', () => {
  test.each([
    ['10-K', ['10', 'k'], ['10-k']],
    ['12/31/2019', ['12', '31', '2019'], ['12/31/2019']],
    ['1,234.56', ['1', '234', '56'], ['1,234.56']],
    ['XK-200-B', ['xk', '200', 'b'], ['xk-200-b']],
    ['snake_case', ['snake', 'case'], ['snake_case']],
    ['parseXMLFile', ['parsexmlfile'], ['parse', 'xml', 'file']],
  ])('%s stays whole and is split', (text, words, extras) => {
    expect(plain(text)).toEqual({ words, extras })
  })

  test('joined words without a digit are words alone', () => {
    expect(plain('client-side and/or')).toEqual({ words: ['client', 'side', 'and', 'or'], extras: [] })
  })

  test('what is longer than any identifier is split alone', () => {
    expect(plain(`a1_${'b'.repeat(80)}`).extras).toEqual([])
  })
})

test('terms are words, extras and pairs of neighbours, each once', () => {
  const { words, pairs } = termsOf(english('card pin card_pin card'))
  expect([...words]).toEqual(['card', 'pin', 'card_pin'])
  expect([...pairs]).toEqual(['card pin', 'pin card'])
})

describe('the analysis of a corpus', () => {
  test('takes it for English by its documents or its queries', () => {
    expect(analyze(['the state of the art'], [], '75').english).toBe(true)
    expect(analyze(['card arrival'], ['how do I track the card'], '75').english).toBe(true)
    expect(analyze(['Der Hund ist in dem Haus und was will er'], ['wo was der Hund in'], '75').english).toBe(false)
  })

  test('leaves out words that most documents have, in other languages', () => {
    const { english, common } = analyze(['der Hund', 'der Mann', 'die Katze und der Hund', 'eine Maus'], [], '75')
    expect(english).toBe(false)
    expect(common).toEqual([termKey('der')])
    expect(createTokenizer({ english, common })('der Hund').words).toEqual(['hund'])
  })

  test('names the version of ICU where words depend on it', () => {
    expect(analyze(['東京都'], [], '75.1').icu).toBe('75.1')
    expect(analyze(['Tokyo'], [], '75.1').icu).toBeUndefined()
  })
})

test('keys are whole numbers below 2^53 that differ, as their checks do', () => {
  const terms = Array.from({ length: 50_000 }, (_, i) => `term ${i.toString(36)}`)
  const keys = terms.map(termKey)
  expect(keys.every(Number.isSafeInteger)).toBe(true)
  expect(new Set(keys).size).toBe(terms.length)
  expect(new Set(terms.map(termCheck)).size).toBeGreaterThan(terms.length - 5)
})
