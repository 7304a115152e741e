import { encode } from 'gpt-tokenizer/encoding/cl100k_base'
import { expect, test } from 'vitest'
import { chunkDocument, chunkDocuments, chunkText } from '../../src/documents/chunk-documents.js'
import { flowOf } from '../../src/documents/flow.js'
import { markdownSections } from '../../src/documents/loaders/markdown.js'
import { createRandom, type Random } from '../../src/math/random.js'
import { rejection } from '../helpers/rejection.js'

const tokensOf = (text: string) => encode(text, { disallowedSpecial: new Set() }).length
const WORDS = 'retrieval adapter query document embedding the of and with on small large vector index learns maps'.split(' ')
const sentence = (random: Random, words = 4 + random.int(20)) => {
  const text = Array.from({ length: words }, () => WORDS[random.int(WORDS.length)]).join(' ')
  return `S${text.slice(1)} no ${random.int(1e9)}.`
}
const sentences = (random: Random, count: number) => Array.from({ length: count }, () => sentence(random))

/** Where chunks stand in the text that they were cut from. */
function spansOf(text: string, chunks: readonly { text: string }[]): { start: number; end: number }[] {
  let from = 0
  return chunks.map(chunk => {
    const start = text.indexOf(chunk.text, from)
    expect(start, `not in its order in the text: ${chunk.text.slice(0, 60)}`).toBeGreaterThanOrEqual(0)
    from = start + 1
    return { start, end: start + chunk.text.length }
  })
}

test('a short text is one chunk; a text of white space is none', async () => {
  const [chunk, ...others] = await chunkText('  Hello there. \r\n', { file: 'a.md' })
  expect(others).toEqual([])
  expect(chunk).toEqual({
    id: expect.stringMatching(/^d-[0-9a-f]{16}$/),
    text: 'Hello there.',
    tokens: 3,
    source: { file: 'a.md' },
  })
  expect(await chunkText(' \n\n ')).toEqual([])
  expect(await chunkText('')).toEqual([])
})

test('by default a chunk has at most 1,024 tokens and shares at most 200 with the one before', async () => {
  const text = sentences(createRandom(1), 600).join(' ')
  const chunks = await chunkText(text)
  const spans = spansOf(text, chunks)
  expect(chunks.length).toBeGreaterThan(8)
  chunks.forEach((chunk, i) => {
    expect(chunk.tokens).toBe(tokensOf(chunk.text))
    expect(chunk.tokens).toBeLessThanOrEqual(1024)
    if (i + 1 < chunks.length) expect(chunk.tokens).toBeGreaterThan(700)
    if (i === 0) return
    const shared = text.slice(spans[i].start, spans[i - 1].end)
    expect(tokensOf(shared)).toBeLessThanOrEqual(200)
    expect(tokensOf(shared)).toBeGreaterThan(140)
  })
})

test('chunks of any text: at most maxTokens, nothing lost, no word, grapheme or surrogate pair broken', async () => {
  const random = createRandom(7)
  const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
  const pieces = [
    () => sentence(random),
    () => sentence(random),
    () => `## Heading ${random.int(1e6)}\n`,
    () => `- item ${random.int(1e6)}\n`,
    () => `| cell ${random.int(1e6)} | ${sentence(random, 6)} |\n`,
    () => `检索系统使用嵌入向量${random.int(1e6)}来查找文档。`,
    () => `ระบบค้นคืนใช้เวกเตอร์${random.int(1e6)}เพื่อค้นหาเอกสาร `,
    () => `👩‍👩‍👧‍👦🇱🇻e\u0301👍🏽 ${random.int(1e6)}! `,
    () => `\`\`\`\n  code(${random.int(1e6)})\n\`\`\`\n`,
    () => `${'x'.repeat(random.int(120))}${random.int(1e6)} `,
    () => sentence(random, 90),
  ]
  for (let run = 0; run < 60; run++) {
    const source = Array.from({ length: 5 + random.int(50) }, () => {
      return pieces[random.int(pieces.length)]() + [' ', '\n', '\n\n'][random.int(3)]
    }).join('')
    // Between sections there is one blank line, whatever there was.
    const { text } = flowOf(markdownSections(source))
    expect(text.replace(/\s+/g, ' ').trim()).toBe(source.replace(/\s+/g, ' ').trim())
    const maxTokens = 64 + random.int(200)
    const overlap = random.int(maxTokens)
    const chunks = await chunkText(source, { maxTokens, overlap })
    const spans = spansOf(text, chunks)
    const edges = new Set(Array.from(graphemes.segment(text), ({ index }) => index).concat(text.length))
    let covered = 0
    spans.forEach(({ start, end }, i) => {
      expect(tokensOf(chunks[i].text)).toBeLessThanOrEqual(maxTokens)
      expect(text.slice(covered, Math.max(start, covered)).trim()).toBe('')
      if (start < covered) expect(tokensOf(text.slice(start, covered))).toBeLessThanOrEqual(overlap)
      expect(end).toBeGreaterThan(covered)
      covered = end
      expect([edges.has(start), edges.has(end)]).toEqual([true, true])
      // Words of Latin letters are whole, unless longer than a chunk.
      for (const at of [start, end]) {
        const left = /[A-Za-z]*$/.exec(text.slice(Math.max(0, at - 200), at))![0]
        const right = /^[A-Za-z]*/.exec(text.slice(at, at + 200))![0]
        if (left !== '' && right !== '') expect(tokensOf(left + right)).toBeGreaterThanOrEqual(maxTokens)
      }
    })
    expect(text.slice(covered).trim()).toBe('')
  }
})

test('sentences, also over line breaks, and rows of tables stay whole in some chunk', async () => {
  const random = createRandom(3)
  const whole = sentences(random, 200)
  const rows = Array.from({ length: 60 }, (_, i) => `| row ${i} | ${sentence(random, 8)} |`)
  const text = `${whole
    .slice(0, 100)
    .join(' ')
    .replace(/(.{70}\S*) /g, '$1\n')}\n\n${rows.join('\n')}\n\n${whole.slice(100).join(' ')}`
  const chunks = (await chunkText(text, { maxTokens: 128, overlap: 0 })).map(chunk => chunk.text)
  for (const row of rows) expect(chunks.some(chunk => chunk.split('\n').includes(row))).toBe(true)
  const unwrapped = chunks.map(chunk => chunk.replaceAll('\n', ' '))
  for (const one of whole) expect(unwrapped.some(chunk => chunk.includes(one))).toBe(true)
})

test('rows of a table without outer bars, and lines of code with their indentation, are whole', async () => {
  const table = ['name | fee', '--- | ---', ...Array.from({ length: 30 }, (_, i) => `Country ${i}. Two. | ${i} EUR`)]
  for (const chunk of await chunkText(table.join('\n'), { maxTokens: 32, overlap: 0 })) {
    for (const line of chunk.text.split('\n')) expect(table).toContain(line)
  }
  const code = ['```py', ...Array.from({ length: 30 }, (_, i) => `    call_${i}(1). # a. b.`), '```']
  for (const chunk of await chunkText(code.join('\n'), { maxTokens: 40, overlap: 0 })) {
    for (const line of chunk.text.split('\n')) expect(code).toContain(line)
  }
})

test('a heading begins a chunk, without overlap; small sections are put together; no chunk ends with a heading', async () => {
  const random = createRandom(5)
  const body = (count: number) => sentences(random, count).join(' ')
  const text = `# Top\n\n## A\n\n${body(20)}\n\n## B\n\n${body(20)}\n\n## C\n\nTiny.\n\n## D\n\n${body(60)}`
  const chunks = await chunkText(text, { maxTokens: 300, overlap: 60, minTokens: 40 })
  const starts = chunks.filter(chunk => chunk.text.startsWith('#'))
  expect(starts.map(chunk => chunk.text.split('\n')[0])).toEqual(['# Top', '## B', '## C'])
  expect(starts.map(chunk => chunk.source.heading)).toEqual(['Top > A', 'Top > B', 'Top > C'])
  for (const chunk of chunks) expect(chunk.text).not.toMatch(/(?:^|\n)#+ \w+$/)
  const each = await chunkText('# A\n\nOne.\n\n# B\n\nTwo.', { minTokens: 0 })
  expect(each.map(chunk => [chunk.text, chunk.source.heading])).toEqual([
    ['# A\n\nOne.', 'A'],
    ['# B\n\nTwo.', 'B'],
  ])
})

test('a sentence that goes over a page is whole; a chunk tells the page on which it begins', async () => {
  const sections = [
    { text: 'First page. The sentence goes', page: 1 },
    { text: 'on here. And ends.', page: 2 },
  ]
  const [chunk] = await chunkDocument({ file: 'a.pdf', sections })
  expect(chunk.text).toBe('First page. The sentence goes on here. And ends.')
  expect(chunk.source).toEqual({ file: 'a.pdf', page: 1 })
  const random = createRandom(2)
  const pages = Array.from({ length: 6 }, (_, i) => ({ text: sentences(random, 20).join(' '), page: i + 1 }))
  const chunks = await chunkDocument({ file: 'a.pdf', sections: pages }, { maxTokens: 200, overlap: 0 })
  for (const { text, source } of chunks) {
    expect(pages[source.page! - 1].text).toContain(text.split('. ')[0])
  }
  expect(new Set(chunks.map(({ source }) => source.page)).size).toBe(6)
})

test('records share no chunk', async () => {
  const sections = ['a', 'b'].map(text => ({ text, starts: 'record' as const }))
  expect((await chunkDocument({ file: 'x', sections })).map(chunk => chunk.text)).toEqual(['a', 'b'])
})

test('equal text in two documents is one chunk, that of the first; the id is the one that data sets give to the text', async () => {
  const sections = [{ text: 'Same text.' }]
  const chunks = await chunkDocuments([
    { file: 'old/name.md', sections },
    { file: 'new/name.md', sections },
  ])
  expect(chunks).toHaveLength(1)
  expect(chunks[0].source.file).toBe('old/name.md')
  const [moved] = await chunkDocument({ file: 'elsewhere.txt', sections })
  expect(moved.id).toBe(chunks[0].id)
})

test('a paragraph added at the end leaves all chunks but the last as they were', async () => {
  const text = sentences(createRandom(11), 400).join(' ')
  const before = await chunkText(text, { maxTokens: 256 })
  const after = await chunkText(`${text}\n\nOne more paragraph.`, { maxTokens: 256 })
  expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1))
})

test('an edit at the beginning changes the chunks near it, with or without headings', async () => {
  const random = createRandom(13)
  const plain = Array.from({ length: 200 }, () => sentences(random, 1 + random.int(6)).join(' ')).join('\n\n')
  const headed = Array.from({ length: 30 }, (_, i) => `# Part ${i}\n\n${sentences(random, 30).join(' ')}`).join('\n\n')
  for (const [text, most] of [
    [plain, 0.25],
    [headed, 0.1],
  ] as const) {
    const before = new Set((await chunkText(text, { maxTokens: 256 })).map(chunk => chunk.id))
    const after = await chunkText(`A new sentence opens the text. ${text}`, { maxTokens: 256 })
    const changed = after.filter(chunk => !before.has(chunk.id)).length
    expect(changed).toBeGreaterThan(0)
    expect(changed / after.length).toBeLessThan(most)
  }
})

test('long texts without spaces or sentences are cut in reasonable time', async () => {
  for (const text of [
    'x7'.repeat(100_000),
    'word '.repeat(50_000),
    '字'.repeat(50_000),
    'a\u0301'.repeat(30_000),
    '|'.repeat(100_000),
  ]) {
    for (const chunk of await chunkText(text)) expect(chunk.tokens).toBeLessThanOrEqual(1024)
  }
  const marks = await chunkText(`a${'\u0301'.repeat(20_000)}`, { maxTokens: 64 })
  for (const chunk of marks) expect(chunk.tokens).toBeLessThanOrEqual(64)
}, 20_000)

test('options out of range are refused with what was expected', async () => {
  const wrong = [
    { maxTokens: 0 },
    { maxTokens: 15 },
    { maxTokens: 100.5 },
    { maxTokens: Number.NaN },
    { overlap: 1024 },
    { overlap: -1 },
    { maxTokens: 100, overlap: 100 },
    { minTokens: 2000 },
  ]
  for (const options of wrong) expect(await rejection(chunkText('x', options))).toMatchObject({ code: 'USAGE' })
  expect((await rejection(chunkText('x', { maxTokens: 100, overlap: 100 }))).message).toBe(
    'the option "overlap" is 100, expected a whole number from 0 to 99 tokens (less than maxTokens, 100)',
  )
  expect(await chunkText('A small chunk. With less overlap by default.', { maxTokens: 16 })).toHaveLength(1)
})

test('a signal stops chunking', async () => {
  expect(await rejection(chunkDocuments([{ file: 'a', sections: [] }], { signal: AbortSignal.abort() }))).toMatchObject({
    code: 'ABORTED',
  })
})
