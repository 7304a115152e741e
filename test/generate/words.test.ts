import { expect, test } from 'vitest'
import { wordsOf } from '../../src/generate/reject.js'

test.each([
  ['Don’t open VALVE-3!', ['don’t', 'open', 'valve', '3']],
  ['Ｆｕｌｌ width', ['full', 'width']],
  ['naïve cafe\u0301', ['naïve', 'café']],
  ['打开阀门 now', ['打开', '阀门', 'now']],
  ['バルブを開く', ['バルブ', 'を', '開く']],
  ['हिन्दी में', ['हिन्दी', 'में']],
  ['?! —', []],
])('%j has the words %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words)
})

test('a chunk of a few pages takes a few milliseconds', () => {
  const text = 'The lever number three opens the valve of pump four. '.repeat(2000)
  const started = performance.now()
  expect(wordsOf(text)).toHaveLength(20_000)
  expect(performance.now() - started).toBeLessThan(500)
})
