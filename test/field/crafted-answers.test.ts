import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { generateQuestions } from '../../src/generate/generate-questions.js'
import { parseAnswer } from '../../src/generate/read-questions.js'
import { openIndex } from '../../src/indexes/index.js'
import type { IndexRow, VectorIndex } from '../../src/indexes/vector-index.js'
import { scanIndex } from '../../src/pipeline/index-data.js'
import { expectRejection } from '../helpers/rejection.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Answers JSON as it is given, byte for byte; keeps the bodies. */
async function answering(answer: (path: string, body: string) => string) {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    response.setHeader('content-type', 'application/json').end(answer(request.url!, body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

const COLLECTION = JSON.stringify({
  result: { indexed_vectors_count: 1, config: { params: { vectors: { size: 2, distance: 'Cosine' } } } },
})

interface Answers {
  readonly collection?: string
  readonly scroll?: string | ((body: string) => string)
  readonly count?: string
  readonly points?: string
  readonly query?: string
}

/** A Qdrant whose answers a stranger wrote. */
async function qdrant({ collection = COLLECTION, scroll = '', count = '1', points = '[]', query = '' }: Answers) {
  const { url, bodies } = await answering((path, body) => {
    if (path === '/collections/c') return collection
    if (path.endsWith('/scroll')) return `{"result":${typeof scroll === 'string' ? scroll : scroll(body)}}`
    if (path.endsWith('/count')) return `{"result":{"count":${count}}}`
    return `{"result":${path.endsWith('/query') ? query : points}}`
  })
  return { open: () => openIndex(`qdrant+${url}#c`), bodies }
}

const page = (point: string, next = 'null') => `{"points":[${point}],"next_page_offset":${next}}`
const NONE = page('')

async function rowsOf(index: VectorIndex, parts: { vectors?: boolean } = {}): Promise<IndexRow[]> {
  const rows: IndexRow[] = []
  for await (const block of index.scan(parts)) rows.push(...block)
  return rows
}

test.each([
  ['null in place of a number, which would become 0', '[0.5,null]', /row "7": expected 2 finite values, found NaN at position 1/],
  ['a text in place of a number', '["1",2]', /found NaN at position 0/],
  ['too few values', '[1]', /expected 2 finite values, found 1 values/],
  ['an object that calls itself long', '{"length":4000000000}', /found 0 values/],
  ['a number beyond float32', '[1e300,1]', /found Infinity at position 0/],
])('a vector of an index with %s is refused by the id of its row', async (_, vector, message) => {
  const { open } = await qdrant({ scroll: page(`{"id":7,"vector":${vector}}`) })
  await expectRejection(scanIndex(await open(), {}), 'VECTOR_INVALID', message)
})

test.each([
  ['no collection', { collection: '{}' }],
  ['a collection of another form', { collection: '{"result":{"config":{"params":{"vectors":null}}}}' }],
  ['null', { collection: 'null' }],
  ['more dimensions than any index has', { collection: COLLECTION.replace('"size":2', '"size":1e9') }],
  ['a distance that objects have by nature', { collection: COLLECTION.replace('Cosine', 'constructor') }],
])('an index that answers %s is not opened', async (_, answers) => {
  const { open } = await qdrant({ scroll: NONE, ...answers })
  await expectRejection(open(), 'INDEX_OPEN', /^qdrant\+http:.*#c: /)
})

test.each([
  ['a count below 0', { count: '-1' }, (index: VectorIndex) => index.count()],
  ['a count that is a text', { count: '"many"' }, (index: VectorIndex) => index.count()],
  ['a count that no memory holds', { count: '9007199254740991' }, (index: VectorIndex) => scanIndex(index, {})],
  ['rows that are none', { points: '5' }, (index: VectorIndex) => index.fetch(['7'])],
  ['hits that are none', { query: '{"points":{}}' }, (index: VectorIndex) => index.search(Float32Array.of(1, 0), 3)],
])('%s is an error of the index', async (_, answers, use) => {
  const { open } = await qdrant({ scroll: NONE, ...answers })
  await expectRejection(use(await open()), 'INDEX_OPEN')
})

test.each<[string, string]>([
  ['numbers', '1. '.repeat(300_000)],
  ['bullets', '- '.repeat(300_000)],
  ['thoughts', `${'<think>'.repeat(100_000)}</reasoning>What is it?`],
  ['empty lines', `${'\n'.repeat(300_000)}{`],
  ['quotes', "'".repeat(300_000)],
  ['questions', JSON.stringify(Array.from({ length: 200_000 }, (_, i) => `What is the number ${i} of it?`))],
])('an LLM that repeats %s without end costs no time and ends no run', async (_, text) => {
  const chunks = [{ id: 'c', text: 'The card has a limit.', tokens: 5 }] as unknown as Parameters<typeof generateQuestions>[0]
  const model = { id: 'm', complete: async () => ({ text }) }
  const before = process.cpuUsage()
  const { dropped } = await generateQuestions(chunks, model)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(2)
  expect(dropped.length).toBeLessThan(10_000)
})

test('thoughts are left out: whole ones, several, and what stands before an end without a start', () => {
  const said = (text: string) => parseAnswer(text).candidates
  expect(said('<think>a</think>Where is it?\n<THINK>b <reasoning>c</think>Who is it?')).toEqual(['Where is it?', 'Who is it?'])
  expect(said('a\nb</thinking>Where is it?')).toEqual(['Where is it?'])
  expect(said('<think>a</reasoning>Where is it?')).toEqual(['Where is it?'])
})

test('an answer in the cache that is damaged counts as missing', async () => {
  const chunks = [{ id: 'c', text: 'The card has a limit.', tokens: 5 }] as unknown as Parameters<typeof generateQuestions>[0]
  const model = { id: 'm', cacheKey: 'm', complete: async () => ({ text: 'What limit has it?' }) }
  for (const stored of ['{"text":', '5', '['.repeat(50_000)]) {
    const kept: string[] = []
    const completions = {
      get: () => stored,
      set: (_: Uint8Array, __: string, answer: string) => void kept.push(answer),
    }
    const { questions } = await generateQuestions(chunks, model, { completions })
    expect(questions.map(({ text }) => text)).toEqual(['What limit has it?'])
    expect(kept).toEqual(['{"text":"What limit has it?"}'])
  }
})

test('a search gives no more hits than asked for', async () => {
  const { open } = await qdrant({ scroll: NONE, query: '{"points":[{"id":1},{"id":2},{"id":3}]}' })
  expect(await (await open()).search(Float32Array.of(1, 0), 2)).toEqual(['1', '2'])
})

test('a scan whose next page is the page before ends', async () => {
  const { open, bodies } = await qdrant({ scroll: page('{"id":1}', '1') })
  await expectRejection(rowsOf(await open()), 'INDEX_OPEN', /expected the next page, found the one from 1 again/)
  const unnamed = await qdrant({ scroll: page('{"id":1}', '[1]') })
  await expectRejection(rowsOf(await unnamed.open()), 'INDEX_OPEN', /found the one from \[1\] again/)
  expect(bodies.length).toBeLessThan(6)
})

test('a scan without end stops not far behind the number of rows', async () => {
  const many = (start: number) => Array.from({ length: 1000 }, (_, i) => `{"id":${start + i}}`).join()
  const { open, bodies } = await qdrant({
    scroll: body => {
      const { offset = 0 } = JSON.parse(body)
      return page(many(offset), String(offset + 1000))
    },
  })
  await expectRejection(rowsOf(await open()), 'INDEX_OPEN', /found no end of them/)
  expect(bodies.length).toBeLessThan(20)
})

test('ids and pages of 64 bits are kept to the digit, and sent back as numbers', async () => {
  const [first, second] = ['18446744073709551615', '18446744073709551614']
  const { open, bodies } = await qdrant({
    scroll: body =>
      body.includes('"offset"')
        ? page(`{"id":${second},"payload":{"text":"number \\"${first}\\" and, ${first}, more"}}`)
        : page(`{"id":${first}}`, second),
  })
  const index = await open()
  expect((await rowsOf(index)).map(({ id }) => id)).toEqual([first, second])
  expect(bodies.at(-1)).toContain(`"offset":${second},`)
  await index.fetch([first, '7'])
  expect(bodies.at(-1)).toContain(`"ids":[${first},7]`)
})

test('chroma pages that never end, or hold no lists, are errors of the index', async () => {
  const ids = JSON.stringify(Array.from({ length: 300 }, (_, i) => String(i)))
  const { url } = await answering(path =>
    path.endsWith('/c')
      ? '{"id":"../x","dimension":2,"configuration_json":{"hnsw":{"space":"l2"}}}'
      : path.endsWith('/count')
        ? '3'
        : path.endsWith('/get')
          ? `{"ids":${ids}}`
          : '{"ids":[7]}',
  )
  const index = await openIndex(`chroma+${url}#c`)
  await expectRejection(rowsOf(index), 'INDEX_OPEN', /found no end of them/)
  await expectRejection(index.search(Float32Array.of(1, 0), 3), 'INDEX_OPEN', /expected a list of ids, found 7/)
})

test('an id of a collection that is no Unicode is an error of the index', async () => {
  const { url } = await answering(() => String.raw`{"id":"\ud800","dimension":2}`)
  await expectRejection(openIndex(`chroma+${url}#c`), 'INDEX_OPEN', /not that of this kind of index/)
})

test('the URL of an index with a broken escape is an error of its option', async () => {
  await expectRejection(openIndex('qdrant+http://localhost:1#%zz'), 'USAGE', /cannot be parsed/)
})
