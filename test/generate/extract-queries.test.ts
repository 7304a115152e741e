import { expect, test } from 'vitest'
import { extractQueries } from '../../src/generate/extract-queries.js'
import { chunkOf } from './chunks.js'

const TEXT = `## Levers

Lever three opens the main valve of the pump. It is made of steel. The main valve of the pump is red.
The lever and the valve are tested with the pump. See [the *long* list](http://x.y) of all the parts.

| part | price |
| lever three opens | the main valve |
`

test('the heading comes first, then the first sentence, then the sentences nearest to all', () => {
  const queries = extractQueries(chunkOf(TEXT, { heading: 'Manual > Levers' }), 2)
  expect(queries).toEqual([
    'Manual Levers',
    'Lever three opens the main valve of the pump.',
    'The main valve of the pump is red.',
    'The lever and the valve are tested with the pump.',
  ])
  expect(extractQueries(chunkOf(TEXT, { heading: 'Manual > Levers' }), 2)).toEqual(queries)
})

test('markup, tables and short sentences are left out', () => {
  const queries = extractQueries(chunkOf(TEXT), 9)
  expect(queries).toContain('See the *long* list of all the parts.')
  expect(queries.join()).not.toMatch(/\||http|##|price/)
  expect(queries[0]).toBe('Lever three opens the main valve of the pump.')
})

test('lines of a paragraph are put together, items of a list and code are not', () => {
  const text =
    'The lever opens\nthe main valve. It is\nred and long.\n- Turn the lever to the left\n- Close the lid by hand\n```\nrun the lever now please\n```\nThis ends the whole text.'
  expect(extractQueries(chunkOf(text), 9).sort()).toEqual([
    'Close the lid by hand',
    'It is red and long.',
    'The lever opens the main valve.',
    'This ends the whole text.',
    'Turn the lever to the left',
  ])
})

test('a sentence without end is cut, and nothing comes of nothing', () => {
  expect(extractQueries(chunkOf('word '.repeat(500)), 1)).toEqual(['word '.repeat(32).trim()])
  expect(extractQueries(chunkOf('| a | b |'), 2)).toEqual([])
})
