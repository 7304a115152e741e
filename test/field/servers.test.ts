import { expect, test } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { embedDataset } from '../../src/embed/embed-dataset.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { createChatModel } from '../../src/generate/llm/index.js'
import { openIndex } from '../../src/indexes/index.js'
import { composeProviders } from '../../src/providers/compose.js'
import { createProvider } from '../../src/providers/index.js'
import { rejection } from '../helpers/rejection.js'
import { embeddingServer, listen, refuse, soundAnswer, vectorOf } from './server.js'

const TEXTS = ['open an account', 'close it', 'lost my key', 'cost of a transfer', 'who to call', 'hours', 'a new card']

const open = (baseUrl: string, transport?: 'http') =>
  createProvider('openai', { model: 'm', baseUrl, apiKey: 'key-of-a-test', transport })
const rows = ({ data, cols }: { data: Float32Array; cols: number }) =>
  TEXTS.map((_, i) => [...data.subarray(i * cols, (i + 1) * cols)])
const dataset = {
  name: 'desk',
  queries: new Map([
    ['q1', 'who to call'],
    ['q2', 'opening hours'],
  ]),
  corpus: new Map(TEXTS.map((text, i) => [`d${i}`, text])),
  qrels: new Map([
    ['q1', new Map([['d4', 1]])],
    ['q2', new Map([['d5', 1]])],
  ]),
}

test.each<[string, (index: number, n: number) => unknown]>([
  ['none', () => undefined],
  ['all null', () => null],
  ['the first left out', index => index || undefined],
  ['in another order', index => index],
])('indices of an answer that are %s give each text its vector', async (name, index) => {
  const { url } = await embeddingServer(body => {
    const data = soundAnswer(body).data.map((item, i) => ({ ...item, index: index(i, body.input.length) }))
    return { data: name === 'in another order' ? data.reverse() : data }
  })
  const { vectors } = await embedTexts(await open(url), TEXTS, 'query')
  expect(rows(vectors)).toEqual(TEXTS.map(vectorOf))
})

test('indices that contradict each other are an error', async () => {
  const { url } = await embeddingServer(body => ({ data: soundAnswer(body).data.map(item => ({ ...item, index: 1 })) }))
  const error = await rejection(embedTexts(await open(url), TEXTS, 'query'))
  expect(error.message).toContain('expected the indices 0 to 6, each once; index 0 is missing')
})

test.each<[number, object]>([
  [400, { detail: [{ loc: ['body', 'encoding_format'], msg: 'Extra inputs are not permitted' }] }],
  [400, { error: { message: 'base64 is not supported, use float' } }],
  [422, { detail: 'Extra inputs are not permitted' }],
  [500, { error: { message: 'Unrecognized request argument supplied' } }],
  [501, { message: 'Encoding format is not implemented' }],
])('encoding_format refused with %i %j is left out from then on', async (status, said) => {
  const { url, bodies } = await embeddingServer((body, response) =>
    'encoding_format' in body ? refuse(response, status, said) : soundAnswer(body),
  )
  for (const transport of [undefined, 'http'] as const) {
    bodies.length = 0
    const provider = await open(url, transport)
    const { vectors } = await embedTexts(provider, TEXTS, 'query', { retries: 0 })
    await embedTexts(provider, ['another'], 'query', { retries: 0 })
    expect(rows(vectors)).toEqual(TEXTS.map(vectorOf))
    expect(bodies.map(body => body.encoding_format)).toEqual(['base64', undefined, undefined])
  }
})

test.each<[number, string]>([
  [400, ''],
  [422, ' '],
])('encoding_format refused with %i and no words (%j) is left out from then on', async (status, said) => {
  const { url, bodies } = await embeddingServer((body, response) => {
    if (!('encoding_format' in body) && !body.input.includes('bad')) return soundAnswer(body)
    response.writeHead(status).end(said)
    return undefined
  })
  for (const transport of [undefined, 'http'] as const) {
    bodies.length = 0
    const provider = await open(url, transport)
    const { message } = await rejection(embedTexts(provider, ['bad'], 'query', { retries: 0 }))
    expect(message).toMatch(new RegExp(`answered HTTP ${status}\\D*$`))
    const { vectors } = await embedTexts(provider, TEXTS, 'query', { retries: 0 })
    await rejection(embedTexts(provider, ['bad'], 'query', { retries: 0 }))
    expect(rows(vectors)).toEqual(TEXTS.map(vectorOf))
    expect(bodies.map(body => body.encoding_format)).toEqual(['base64', undefined, 'base64', undefined, undefined])
  }
})

test('a refusal without words is not taken for one of encoding_format once that was accepted', async () => {
  const { url, bodies } = await embeddingServer((body, response) => {
    if (!body.input.includes('bad')) return soundAnswer(body)
    response.writeHead(400).end()
    return undefined
  })
  const provider = await open(url)
  await embedTexts(provider, TEXTS, 'query', { retries: 0 })
  await rejection(embedTexts(provider, ['bad'], 'query', { retries: 0 }))
  expect(bodies.map(body => body.encoding_format)).toEqual(['base64', 'base64'])
})

test.each(['as documents', 'as a query'])(
  'a vector of a wrong length (%s) leaves nothing behind that makes a later run fail',
  async role => {
    const bad = role === 'as a query' ? 'who to call' : 'lost my key'
    const { url, bodies } = await embeddingServer(({ input }) => ({
      data: input.map((text, index) => ({ index, embedding: vectorOf(text).slice(0, text === bad ? 2 : 3) })),
    }))
    const isQuery = role === 'as a query'
    const corpus = new Map([...dataset.corpus].filter(([id]) => !(isQuery && id === 'd4')))
    const queries = new Map([...dataset.queries, ['q3', 'a lost key']])
    const qrels = new Map(['q1', 'q2', 'q3'].map(id => [id, new Map([['d5', 1]])]))
    const desk = { name: 'desk', queries, corpus, qrels }
    const cache = memoryCache()
    for (let run = 0; run < 3; run++) {
      bodies.length = 0
      // A new process knows of no length but that of the cache.
      const provider = await open(url)
      const error = await rejection(embedDataset(provider, [desk], { cache, retries: 0 }))
      expect(error.message).toContain(`("${bad}"): its vector has a wrong length; expected 3 values, found 2`)
      if (run > 0) expect(bodies.flatMap(({ input }) => input).filter(text => text === bad)).toHaveLength(1)
      const warnings: string[] = []
      const { datasets } = await embedDataset(await open(url), [desk], {
        cache,
        retries: 0,
        skipRefused: true,
        onWarning: warning => warnings.push(warning),
      })
      expect(datasets[0].docIds).toHaveLength(6)
      expect(warnings.join()).toContain(`("${bad}")`)
    }
  },
)

test('several vectors of wrong lengths are refused one by one; a model that has changed is not', async () => {
  const bad = ['lost my key', 'hours', 'a new card']
  let length = 3
  const { url } = await embeddingServer(({ input }) => ({
    data: input.map((text, index) => ({
      index,
      embedding: [...vectorOf(text), 4, 5].slice(0, bad.includes(text) ? 2 : length),
    })),
  }))
  const cache = memoryCache()
  for (let run = 0; run < 2; run++) {
    const error = await rejection(embedTexts(await open(url), TEXTS, 'query', { cache, retries: 0 }))
    for (const text of bad) expect(error.message).toContain(`("${text}")`)
  }
  length = 5
  const changed = await rejection(embedTexts(await open(url), [...TEXTS, 'a new one'], 'query', { cache, retries: 0 }))
  expect(changed).toMatchObject({ code: 'VECTOR_INVALID', message: expect.stringContaining('has changed') })
})

test('a composed model keeps what is sound of an answer, and names the text at fault', async () => {
  let asked = 0
  const { url } = await embeddingServer(({ input }) => {
    asked += input.length
    return {
      data: input.map((text, index) => ({
        index,
        embedding: text === 'hours' ? [1, null, 2] : vectorOf(text),
      })),
    }
  })
  const sound = await embeddingServer(soundAnswer)
  const model = async () =>
    composeProviders([await open(url), await createProvider('openai', { model: 'n', baseUrl: sound.url, apiKey: 'k' })])
  const cache = memoryCache()
  const { message } = await rejection(embedTexts(await model(), TEXTS, 'query', { cache, retries: 0 }))
  expect(message).toContain('texts[5] ("hours"): value 2 of its vector is not finite')
  expect(asked).toBe(TEXTS.length)
  await rejection(embedTexts(await model(), TEXTS, 'query', { cache, retries: 0 }))
  expect(asked).toBe(TEXTS.length + 1)
})

test('a key that a server repeats in another coding is taken out of its words', async () => {
  const key = 'a+secret/key=of&tests'
  const { url } = await embeddingServer((_, response) =>
    refuse(response, 400, {
      error: `no ${Buffer.from(`me:${key}`).toString('base64')} and ${encodeURIComponent(key)}`,
    }),
  )
  for (const transport of [undefined, 'http'] as const) {
    const provider = await createProvider('openai', { model: 'm', baseUrl: url, apiKey: key, transport })
    const { message } = await rejection(embedTexts(provider, TEXTS, 'query', { retries: 0 }))
    expect(message).toContain('no [redacted] and [redacted]')
  }
})

test('an error with status 200 is shown in the words of the server, shortened and without the key', async () => {
  const { url } = await embeddingServer(() => ({ error: { message: `no route for key-of-a-test ${'x'.repeat(900)}` } }))
  for (const transport of [undefined, 'http'] as const) {
    const { message } = await rejection(embedTexts(await open(url, transport), TEXTS, 'query', { retries: 0 }))
    expect(message).toMatch(/no list "data".*The server said: no route for \[redacted\]/)
    expect(message.length).toBeLessThan(600)
  }
  for (const said of [
    { success: false, errors: [{ code: 7, message: 'no model' }] },
    { code: 10001, msg: 'no model' },
  ]) {
    const other = await embeddingServer(() => said)
    const { message } = await rejection(embedTexts(await open(other.url), TEXTS, 'query', { retries: 0 }))
    expect(message).toMatch(/no list "data".*The server said: no model$/)
    const tei = await createProvider('tei', { model: 'm', baseUrl: other.url })
    expect((await rejection(embedTexts(tei, TEXTS, 'query', { retries: 0 }))).message).toMatch(
      /no list of vectors. The server said: no model$/,
    )
  }
  const page = await listen((_, response) => response.end('<title>Portal</title><p>Please accept the terms'))
  for (const transport of [undefined, 'http'] as const) {
    const { message } = await rejection(embedTexts(await open(page, transport), TEXTS, 'query', { retries: 0 }))
    expect(message).toContain('Please accept the terms')
  }
})

test.each(['[', '{"data":', '[{"index":0,"embedding":'])(
  'an answer that nests %j 20,000 deep is an error of the server, not of the stack',
  async opening => {
    const close = opening.startsWith('[{') ? '}]' : opening === '[' ? ']' : '}'
    const deep = `${opening.repeat(20_000)}0${close.repeat(20_000)}`
    const url = await listen((_, response) => response.setHeader('content-type', 'application/json').end(deep))
    for (const provider of [
      await open(url),
      await open(url, 'http'),
      await createProvider('cohere', { model: 'm', baseUrl: url, apiKey: 'k' }),
      await createProvider('tei', { model: 'm', baseUrl: url }),
      await createProvider('gemini', { model: 'm', baseUrl: url, apiKey: 'k', dimensions: 3 }),
    ])
      expect((await rejection(embedTexts(provider, TEXTS, 'query', { retries: 0 }))).code).toMatch(/^PROVIDER_/)
    const chat = await createChatModel('openai', { model: 'm', baseUrl: url, apiKey: 'k' })
    const chunk = {} as Parameters<typeof chat.complete>[0]['chunk']
    const asked = chat.complete({ prompt: 'p', chunk, count: 1, structured: false })
    expect((await rejection(asked)).code).toMatch(/^PROVIDER_/)
    expect((await rejection(openIndex(`qdrant+${url}#c`))).code).toBe('INDEX_OPEN')
  },
)

test('an answer that does not say it is JSON is read', async () => {
  const { url } = await embeddingServer((body, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(soundAnswer(body)))
    return undefined
  })
  const { vectors } = await embedTexts(await open(url), TEXTS, 'query')
  expect(rows(vectors)).toEqual(TEXTS.map(vectorOf))
})

test.each<[string, (text: string) => unknown, string]>([
  ['a value that is not finite', text => [...vectorOf(text).slice(0, 2), null], 'value 3 of its vector is not finite'],
  ['another length', text => vectorOf(text).slice(0, 2), 'its vector has a wrong length; expected 3 values, found 2'],
  ['no vector', () => undefined, 'its vector is empty'],
  ['a refusal', () => 400, 'cannot tokenize'],
  ['a crash behind a gateway', () => 503, 'cannot tokenize'],
])('one text with %s is named; the others are kept', async (_, wrong, reason) => {
  const { url, bodies } = await embeddingServer((body, response) => {
    const status = wrong('')
    if (typeof status === 'number' && body.input.includes('lost my key'))
      return refuse(response, status, { error: 'cannot tokenize' })
    return {
      data: body.input.map((text, index) => ({
        index,
        embedding: text === 'lost my key' ? wrong(text) : vectorOf(text),
      })),
    }
  })
  const cache = memoryCache()
  const provider = await open(url)
  const error = await rejection(embedDataset(provider, [dataset], { cache, retries: 0 }))
  expect(error.message).toContain('document d2 of desk ("lost my key")')
  expect(error.message).toContain(reason)
  const warnings: string[] = []
  bodies.length = 0
  const { datasets } = await embedDataset(provider, [dataset], {
    cache,
    retries: 0,
    skipRefused: true,
    onWarning: warning => warnings.push(warning),
  })
  expect(bodies.map(({ input }) => input)).toEqual([['lost my key']])
  expect(datasets[0].docIds).toEqual(['d0', 'd1', 'd3', 'd4', 'd5', 'd6'])
  expect(warnings.join()).toMatch(/1 texts .* left out:\n {2}document d2 of desk/)
})

test('a service that refuses everything is asked only a few times, and is not said to refuse a text', async () => {
  const { url, bodies } = await embeddingServer((_, response) => refuse(response, 500, { error: 'out of order' }))
  const error = await rejection(
    embedTexts(
      await open(url),
      Array.from({ length: 200 }, (_, i) => `t${i}`),
      'query',
      { retries: 0 },
    ),
  )
  expect(error.message).toContain('out of order')
  expect(error.message).not.toContain('cannot embed')
  expect(bodies.length).toBeLessThan(16)
})

test('a service that goes out of order in the middle of a run is not asked for every text', async () => {
  let answers = 0
  const { url, bodies } = await embeddingServer((body, response) =>
    ++answers === 1 ? soundAnswer(body) : refuse(response, 500, { error: 'out of memory' }),
  )
  const provider = await createProvider('openai', { model: 'm', baseUrl: url, apiKey: 'k', maxInputs: 50 })
  const texts = Array.from({ length: 400 }, (_, i) => `t${i}`)
  const error = await rejection(embedTexts(provider, texts, 'query', { retries: 0, concurrency: 1 }))
  expect(error.message).toContain('out of memory')
  expect(bodies.length).toBeLessThan(70)
})

test.each([
  ['a number', 'Too many inputs. The maximum is 3 inputs per request', 3],
  ['no number', 'too much at once', 3],
])('a limit of texts per request, refused with %s, is found out and remembered', async (_, message, limit) => {
  const { url, bodies } = await embeddingServer((body, response) =>
    body.input.length > limit ? refuse(response, 413, { error: { message } }) : soundAnswer(body),
  )
  const provider = await open(url)
  const { vectors } = await embedTexts(provider, TEXTS, 'query', { concurrency: 1 })
  expect(rows(vectors)).toEqual(TEXTS.map(vectorOf))
  bodies.length = 0
  await embedTexts(provider, TEXTS, 'document', { concurrency: 1 })
  expect(bodies.every(({ input }) => input.length <= limit)).toBe(true)
})

test('vectors of zeros are counted and named in a warning, from the server and from the cache', async () => {
  const { url } = await embeddingServer(({ input }) => ({
    data: input.map((text, index) => ({ index, embedding: text === 'hours' ? [0, 0, 0] : vectorOf(text) })),
  }))
  const cache = memoryCache()
  const provider = await open(url)
  for (let run = 0; run < 2; run++) {
    const warnings: string[] = []
    await embedDataset(provider, [dataset], { cache, onWarning: warning => warnings.push(warning) })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('1 document has a vector of zeros, similar to nothing: document d5 of desk ("hours")')
  }
})

test('a chat answer in parts is joined, and thinking is passed over', async () => {
  const content = [
    { type: 'thinking', thinking: 'hm', text: 'hm' },
    { type: 'text', text: '1. Who?' },
    { type: 'text', text: '\n2. When?' },
  ]
  for (const said of [content, { type: 'text', text: '1. Who?\n2. When?' }]) {
    const { url } = await embeddingServer(() => ({ choices: [{ message: { content: said } }] }))
    const model = await createChatModel('openai', { model: 'm', baseUrl: url, apiKey: 'k' })
    const chunk = {} as Parameters<typeof model.complete>[0]['chunk']
    expect(await model.complete({ prompt: 'p', chunk, count: 2, structured: false })).toMatchObject({
      text: '1. Who?\n2. When?',
    })
  }
})

test.each([undefined, 'http'] as const)(
  'an answer without an end is read up to a limit fit for the request (%s)',
  async transport => {
    let sent = 0
    const url = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":[],"pad":"')
      const more = (): void => {
        if (response.destroyed) return
        sent += 1e6
        if (response.write('a'.repeat(1e6))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    const error = await rejection(embedTexts(await open(`${url}/v1`, transport), TEXTS, 'query', { retries: 0 }))
    expect(error).toMatchObject({ code: 'PROVIDER_RESPONSE', message: expect.stringContaining('Reading was stopped') })
    expect(sent).toBeLessThan(60e6)
    if (transport === undefined) return
    sent = 0
    const index = await rejection(openIndex(`qdrant+${url}#docs`))
    expect(index).toMatchObject({ code: 'INDEX_OPEN', message: expect.stringContaining('Reading was stopped') })
    expect(sent).toBeLessThan(400e6)
  },
)
