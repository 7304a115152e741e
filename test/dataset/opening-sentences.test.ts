import { describe, expect, test } from 'vitest'
import { openingSentences } from '../../src/dataset/opening-sentences.js'

const REST = 'There is more to say about it than this, and here it is said at some length.'

/** What opens a text that goes on. */
const opening = (text: string) => openingSentences(`${text}\n\n${REST}`, 1)[0]

describe('the first sentence', () => {
  test('ends where Unicode says so: not after an abbreviation in front of a lower-case word, nor within a number', () => {
    expect(opening('You can return items within 2.5 weeks, e.g. by post. Keep the receipt.')).toBe(
      'You can return items within 2.5 weeks, e.g. by post.',
    )
    expect(opening('Does the card work abroad? Yes, it does.')).toBe('Does the card work abroad?')
  })

  test('ends at a full stop of its own in tokenised text, but not at one in a command', () => {
    expect(opening('a study of a wing in a slipstream . an experimental study was made . more')).toBe(
      'a study of a wing in a slipstream .',
    )
    expect(opening('Use find . -name core to list the dumps below this folder. Then delete them.')).toBe(
      'Use find . -name core to list the dumps below this folder.',
    )
  })

  test('goes on over the lines of a paragraph, but not from one paragraph or item of a list into the next', () => {
    expect(opening('Items can be returned\r\nwithin thirty days. Keep\nthe receipt.')).toBe(
      'Items can be returned within thirty days.',
    )
    expect(opening('- Unplug the charger from the wall\n- Wait for a minute or two')).toBe(
      'Unplug the charger from the wall',
    )
    expect(opening('How to return an item\n\nSend it back within thirty days.')).toBe('How to return an item')
  })

  test.each([
    ['a heading', '## How to return an item'],
    ['an underlined heading', 'How to return an item\n====================='],
    ['a heading of HTML', '<h2 class="x">How to return\nan item</h2>'],
    ['a table', '| item | how to return it |\n|---|---|\n| shoe | by post and soon |'],
    ['a rule', '* * * * *\n---\n___'],
    ['front matter', '---\ntitle: how to return an item\ntags: many of them indeed\n---'],
    ['code', '```sh\nreturn the item by post now\n```'],
    ['code that is never closed further up', '~~~\nreturn the item by post now\n~~~'],
    ['a comment', '<!-- return the item by post now -->'],
    ['a script', '<script>return the item by post now</script>'],
    ['figures', '2021 2020 2019 Revenue 3,208.3 2,364.7 3,616.0 Costs 1,702.3 1,447.5'],
    ['less than four words', 'See also below.'],
  ])('is not %s', (_, markup) => {
    expect(openingSentences(`${markup}\n\nSend it back to us within thirty days. ${REST}`, 1)).toEqual([
      'Send it back to us within thirty days.',
    ])
  })

  test('has no marks of lists, links, quotations, emphasis and HTML', () => {
    expect(opening('> 1. **Send** it `back` to [our shop](https://example.org/a) <b>within</b> thirty days.')).toBe(
      'Send it back to our shop within thirty days.',
    )
    expect(opening('2) __Send__ it back ![stamp](x.png) to us.')).toBe('Send it back stamp to us.')
  })

  test('is cut after sixty words', () => {
    const words = Array.from({ length: 90 }, (_, i) => `word${'abcdefghij'[i % 10]}`)
    expect(openingSentences(words.join(' '), 1)).toEqual([words.slice(0, 60).join(' ')])
  })

  test('has words in languages that put no space between them, and with marks above and below', () => {
    expect(opening('您可以在三十天内退货。请保留收据。')).toBe('您可以在三十天内退货。')
    expect(opening('आप तीस दिनों के भीतर सामान लौटा सकते हैं। रसीद रखें।')).toBe('आप तीस दिनों के भीतर सामान लौटा सकते हैं।')
  })
})

test.each([
  ['nothing', ''],
  ['white space', ' \n\t\n '],
  ['one sentence: a query that is its document teaches nothing', 'You can return every item within thirty days.'],
  ['one sentence and less than four words', 'Returns. You can return every item within thirty days. Really.'],
  ['one long sentence of just sixty words', Array.from({ length: 60 }, () => 'word').join(' ')],
  ['a bash one-liner', "find . -type f -name '*.txt' -print0 | xargs -0 sed -i 's/\\(.\\)x/\\1/' | sort -u > out"],
])('a document of %s has none', (_, text) => {
  expect(openingSentences(text, 3)).toEqual([])
})

test('more than one are given in the order of the document, at most so many', () => {
  const text = 'The first sentence is this one. Short. The second sentence comes next. The third one is the last.'
  expect(openingSentences(text, 2)).toEqual(['The first sentence is this one.', 'The second sentence comes next.'])
  expect(openingSentences(text, 9)).toHaveLength(3)
})

test('a very long document without any sentence is no trouble', () => {
  expect(openingSentences('<'.repeat(200_000), 3)).toEqual([])
  expect(openingSentences('['.repeat(200_000), 3)).toEqual([])
  expect(openingSentences('```\n'.repeat(50_000), 3)).toEqual([])
})
