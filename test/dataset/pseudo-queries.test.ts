import { describe, expect, test } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import type { QADataset } from '../../src/dataset/dataset.js'
import { openingSentences, PSEUDO_QUERIES, pseudoQueries } from '../../src/dataset/pseudo-queries.js'
import type { EmbeddingEstimate } from '../../src/embed/estimate.js'
import { embedParts } from '../../src/pipeline/embedded-parts.js'
import { fakeProvider } from '../embed/fake-provider.js'

const NAMES = 'anchor barley cobalt dragon ember falcon garnet hazel indigo jasper'.split(' ')
const nameOf = (i: number) => [...String(i)].map(digit => NAMES[Number(digit)]).join(' ')
const first = (i: number) => `Mending the ${nameOf(i)} pump takes patience.`

/** Query i asks for document i; every document opens with a sentence of its own. */
function dataset(queries: number, documents: number, texts: Record<string, string> = {}): QADataset {
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => i)
  return {
    name: 'made',
    queries: new Map(numbers(queries).map(i => [`q${i}`, `how to mend pump ${i}`])),
    corpus: new Map(numbers(documents).map(i => [`d${i}`, texts[`d${i}`] ?? `${first(i)} Open the cover, then turn key ${i}.`])),
    qrels: new Map(numbers(queries).map(i => [`q${i}`, new Map([[`d${i % documents}`, 1]])])),
  }
}

/** document id -> its pseudo-query */
const byDocument = (pseudo: QADataset | undefined) =>
  new Map([...(pseudo?.queries ?? [])].map(([id, text]) => [[...pseudo!.qrels.get(id)!.keys()].join(), text]))

describe('pseudoQueries', () => {
  test('gives each document its first sentence, on the same corpus, with grade 1', () => {
    const data = dataset(3, 24)
    const pseudo = pseudoQueries(data, 1)!
    expect(new Map([...byDocument(pseudo)].sort())).toEqual(new Map(Array.from({ length: 24 }, (_, i) => [`d${i}`, first(i)])))
    expect(pseudo.corpus).toBe(data.corpus)
    for (const grades of pseudo.qrels.values()) expect([...grades.values()]).toEqual([1])
  })

  test('passes over a sentence that opens several documents, and one that is a training query', () => {
    const boiler = 'All rights are reserved by us.'
    const own = (i: number) => `${boiler.toUpperCase()} Document ${nameOf(i)} speaks of valves. There is more to it.`
    const data = dataset(3, 24, {
      d0: own(0),
      d1: own(1),
      d2: `How to mend pump 1 ${'x'.repeat(3)}. And so on it goes.`,
    })
    const asked = { ...data, queries: new Map([...data.queries, ['q9', 'how to MEND pump 1 xxx.']]) }
    const found = byDocument(pseudoQueries(asked, 1))
    expect(found.get('d0')).toBe(`Document ${nameOf(0)} speaks of valves.`)
    expect(found.get('d1')).toBe(`Document ${nameOf(1)} speaks of valves.`)
    expect(found.get('d2')).toBe('And so on it goes.')
    expect(found.get('d3')).toBe(first(3))
  })

  test('takes documents of equal texts for one', () => {
    const copy = `${first(5)} Open the cover, then turn the key.`
    const found = byDocument(pseudoQueries(dataset(2, 24, { d1: copy, d3: copy.toUpperCase() }), 1))
    expect([found.has('d1'), found.has('d3')].filter(Boolean)).toHaveLength(1)
    expect(found.size).toBe(23)
  })

  test('takes 600 documents of a larger corpus, chosen by the seed', () => {
    const ids = (seed: number) => [...byDocument(pseudoQueries(dataset(20, 900), seed)).keys()]
    expect(new Set(ids(1)).size).toBe(PSEUDO_QUERIES.documents)
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1)).not.toEqual(ids(2))
  })

  test('gives nothing above 200 labelled queries; those without a relevant document do not count', () => {
    const { mostLabelled } = PSEUDO_QUERIES
    expect(pseudoQueries(dataset(mostLabelled, 30), 1)?.queries.size).toBe(30)
    const more = dataset(mostLabelled + 1, 30)
    expect(pseudoQueries(more, 1)).toBeUndefined()
    const judged = new Map([...more.qrels, ['q0', new Map([['d0', 0]])]])
    expect(pseudoQueries({ ...more, qrels: judged }, 1)?.queries.size).toBe(30)
  })

  test('gives nothing where there is no labelled query, or less than 20 documents have a sentence', () => {
    expect(pseudoQueries({ ...dataset(5, 24), qrels: new Map() }, 1)).toBeUndefined()
    expect(pseudoQueries(dataset(5, PSEUDO_QUERIES.least - 1), 1)).toBeUndefined()
    expect(pseudoQueries(dataset(5, PSEUDO_QUERIES.least), 1)).toBeDefined()
    expect(pseudoQueries(dataset(5, 2, { d0: 'two words', d1: 'more words' }), 1)).toBeUndefined()
  })
})

describe('embedParts', () => {
  const train = dataset(4, 24)

  test('embeds them as queries, counts them in the plan, and has all of it in the cache the second time', async () => {
    const cache = memoryCache()
    const plans: EmbeddingEstimate[] = []
    const provider = fakeProvider({ dimensions: 3, price: 1 })
    const run = (pseudoSeed?: number) =>
      embedParts(provider, { train }, { cache, pseudoSeed, embed: { onPlan: plan => plans.push(plan) } })
    const parts = await run(1)
    expect(plans[0]).toMatchObject({ unique: 52, missing: 52 })
    expect(plans[0].cost).toBeCloseTo(plans[0].tokens / 1e6, 12)
    const sent = provider.calls.flatMap(({ texts, role }) => texts.map(text => `${role} ${text}`))
    expect(sent).toContain(`query ${first(7)}`)
    expect(parts.embedding).toMatchObject({ unique: 52, tokens: plans[0].tokens })
    expect(parts.counts.train).toEqual({ queries: 4, pairs: 4, documents: 24 })

    const calls = provider.calls.length
    const again = await run(1)
    expect(provider.calls).toHaveLength(calls)
    expect(again.embedding).toMatchObject({ requests: 0, hits: 52 })
    expect(again.pseudo).toEqual(parts.pseudo)
    expect(again.sha256()).toBe((await run()).sha256())
    expect(plans.at(-1)).toMatchObject({ unique: 28 })
  })

  test('gives them on the documents of the training part, each counting one labelled query at the most', async () => {
    const { train: embedded, pseudo } = await embedParts(fakeProvider(), { train, test: dataset(2, 3) }, { pseudoSeed: 1 })
    expect(pseudo!.docs).toBe(embedded.docs)
    expect(pseudo!.positives.map(positives => [...positives.keys()][0]).sort((a, b) => a - b)).toEqual([...Array(24).keys()])
    expect([...pseudo!.weights!]).toEqual(new Array(24).fill(1))

    const many = await embedParts(fakeProvider(), { train: dataset(2, 620) }, { pseudoSeed: 1 })
    expect([...many.pseudo!.weights!]).toEqual(new Array(600).fill(0.5))
  })

  test('embeds none without being told to, nor above 200 labelled queries', async () => {
    const provider = fakeProvider({ limits: { maxInputs: 1000 } })
    expect(await embedParts(provider, { train })).not.toHaveProperty('pseudo')
    expect(await embedParts(provider, { train: dataset(201, 24) }, { pseudoSeed: 1 })).not.toHaveProperty('pseudo')
    const sent = provider.calls.flatMap(({ texts, role }) => (role === 'query' ? texts : []))
    expect(sent.filter(text => !text.startsWith('how to mend'))).toEqual([])
  })
})

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
    expect(opening('- Unplug the charger from the wall\n- Wait for a minute or two')).toBe('Unplug the charger from the wall')
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
