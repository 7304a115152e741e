import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HIDDEN, makeTinyModel, POSITIONS } from '../../scripts/make-tiny-model.js'
import { norm } from '../../src/math/matrix.js'
import { sbert } from '../../src/providers/sbert.js'
import { providerContract } from '../contracts/provider.js'
import { rejection } from '../helpers/rejection.js'
import { tinyMean, tinyTokens, tinyTokenVectors, unit } from '../helpers/tiny-model.js'
import { create, embedOne, expectVector, tiny } from '../helpers/tiny-sbert.js'

const TEXT = 'How can i pay my loan?'

const contractModel = tiny()
providerContract('sbert', () => sbert.create({ model: contractModel }))

describe('sbert', () => {
  it('gives the mean of the token vectors, at length 1, without further files', async () => {
    const vector = await embedOne({ model: tiny() }, TEXT)
    expectVector(vector, unit(tinyMean(TEXT)))
  })

  it.each(['query', 'document'] as const)('has no prompt for a %s without further files', async role => {
    expectVector(await embedOne({ model: tiny() }, TEXT, role), unit(tinyMean(TEXT)))
  })

  it('does not let padding into a vector, whatever the pooling', async () => {
    const model = tiny()
    for (const pooling of ['mean', 'cls', 'last_token'] as const) {
      const provider = await create({ model, pooling })
      const texts = ['cat', 'the red dog in the green tree to the river', 'one two']
      const together = await provider.embed(texts, 'document')
      for (const [i, text] of texts.entries()) {
        expectVector((await provider.embed([text], 'document'))[0], [...together[i]])
      }
    }
  })

  it('keeps the order of texts over several passes of the model', async () => {
    const provider = await create({ model: tiny() })
    const words = ['cat', 'dog', 'red', 'blue', 'card', 'loan', 'fee']
    const texts = Array.from({ length: 100 }, (_, i) =>
      Array.from({ length: 1 + (i % 20) }, (_, j) => words[(i * 3 + j) % words.length]).join(' '),
    )
    const vectors = await provider.embed(texts, 'document')
    for (const [i, text] of texts.entries()) expectVector(vectors[i], unit(tinyMean(text)))
  })

  it('pools by option: cls and last_token', async () => {
    const model = tiny()
    const tokens = tinyTokenVectors(tinyTokens(TEXT))
    expectVector(await embedOne({ model, pooling: 'cls' }, TEXT), unit(tokens[0]))
    expectVector(await embedOne({ model, pooling: 'last_token' }, TEXT), unit(tokens[tokens.length - 1]))
  })

  it('leaves the length of vectors alone with normalize: false', async () => {
    const vector = await embedOne({ model: tiny(), normalize: false }, TEXT)
    expectVector(vector, tinyMean(TEXT))
    expect(norm(vector)).not.toBeCloseTo(1, 2)
  })

  it('honours "normalize" of config.json', async () => {
    const files = { 'config.json': { model_type: 'bert', max_position_embeddings: POSITIONS, normalize: false } }
    expectVector(await embedOne({ model: tiny({ files }) }, TEXT), tinyMean(TEXT))
  })

  it('shortens vectors to `dimensions` values and scales them after that', async () => {
    const provider = await create({ model: tiny(), dimensions: 3 })
    expectVector((await provider.embed([TEXT], 'query'))[0], unit(tinyMean(TEXT).slice(0, 3)))
    expect(provider.dimensions).toBe(3)
  })

  it('refuses more dimensions than the model has', async () => {
    const provider = await create({ model: tiny(), dimensions: HIDDEN + 1 })
    const error = await rejection(provider.embed([TEXT], 'query'))
    expect(error.code).toBe('USAGE')
    expect(error.message).toMatch(/at most 8.*found 9/)
  })

  it('runs on another precision when asked, and by itself when there is only one', async () => {
    const only = tiny({ suffix: '_quantized' })
    const provider = await create({ model: only })
    expectVector((await provider.embed([TEXT], 'query'))[0], unit(tinyMean(TEXT)))
    expect(provider.id).toBe('sbert/tiny-bert?dtype=q8')
    expect((await create({ model: only, dtype: 'q8' })).cacheKey('query')).toBe(provider.cacheKey('query'))
  })
})

describe('sbert on long texts', () => {
  const long = Array.from({ length: 100 }, (_, i) => ['cat', 'dog', 'tree'][i % 3]).join(' ')
  /** A text cut to n tokens keeps [CLS] at its front and [SEP] at its end. */
  const cut = (n: number) => {
    const ids = tinyTokens(long)
    const rows = tinyTokenVectors([...ids.slice(0, n - 1), ids[ids.length - 1]])
    return unit(rows[0].map((_, k) => rows.reduce((total, row) => total + row[k], 0)))
  }

  it('cuts a text at the positions that the model has', async () => {
    expectVector(await embedOne({ model: tiny() }, long), cut(POSITIONS))
  })

  it('cuts at max_seq_length, and at maxInputTokens below it', async () => {
    const model = tiny({ files: { 'sentence_bert_config.json': { max_seq_length: 16, do_lower_case: false } } })
    expectVector(await embedOne({ model }, long), cut(16))
    expectVector(await embedOne({ model, maxInputTokens: 6 }, long), cut(6))
    expectVector(await embedOne({ model, maxInputTokens: 30 }, long), cut(16))
  })

  it('leaves a text of exactly the longest length whole', async () => {
    const words = long
      .split(' ')
      .slice(0, POSITIONS - 2)
      .join(' ')
    const provider = await create({ model: tiny() })
    const [exact, oneMore] = await provider.embed([words, `${words} fee`], 'query')
    expectVector(exact, unit(tinyMean(words)))
    expectVector(oneMore, [...exact])
  })
})

describe('sbert presets', () => {
  it.each([
    ['bge-small-en-v1.5', 'cls', 'Represent this sentence for searching relevant passages: ', ''],
    ['e5-base-v2', 'mean', 'query: ', 'passage: '],
    ['multilingual-e5-small', 'mean', 'query: ', 'passage: '],
    ['nomic-embed-text-v1.5', 'mean', 'search_query: ', 'search_document: '],
    ['gte-small', 'mean', '', ''],
    ['gte-base-en-v1.5', 'cls', '', ''],
    ['bge-m3', 'cls', '', ''],
    ['all-MiniLM-L6-v2', 'mean', '', ''],
  ])('knows %s by its name: %s pooling and its prompts', async (name, pooling, query, document) => {
    const model = tiny({}, name)
    const first = (text: string) => tinyTokenVectors(tinyTokens(text).slice(0, POSITIONS))[0]
    const expected = (text: string) => unit(pooling === 'cls' ? first(text) : tinyMean(text))
    expectVector(await embedOne({ model }, TEXT, 'query'), expected(query + TEXT))
    expectVector(await embedOne({ model }, TEXT, 'document'), expected(document + TEXT))
    expect((await create({ model })).id).toBe(`sbert/${name}`)
  })

  it('does not normalise models made for dot products', async () => {
    const vector = await embedOne({ model: tiny({}, 'multi-qa-mpnet-base-dot-v1') }, TEXT)
    expectVector(vector, tinyTokenVectors(tinyTokens(TEXT))[0])
  })

  it('gives way to the model’s own files', async () => {
    const files = {
      '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
      'config_sentence_transformers.json': { prompts: { query: '' } },
    }
    expectVector(await embedOne({ model: tiny({ files }, 'bge-small-en-v1.5') }, TEXT), unit(tinyMean(TEXT)))
  })
})

describe('sbert while it runs', () => {
  it('stops between passes when the signal is aborted', async () => {
    const provider = await create({ model: tiny() })
    await provider.embed(['cat'], 'query')
    const controller = new AbortController()
    const pending = provider.embed(new Array(256).fill('the red cat'), 'query', { signal: controller.signal })
    controller.abort()
    expect((await rejection(pending)).code).toBe('ABORTED')
    expect(await provider.embed(['cat'], 'query')).toHaveLength(1)
  })

  it('loads again after close', async () => {
    const provider = await create({ model: tiny() })
    const before = await provider.embed([TEXT], 'query')
    await provider.close?.()
    expect(await provider.embed([TEXT], 'query')).toEqual(before)
  })

  it('tries again to load after a failure', async () => {
    const model = tiny()
    writeFileSync(join(model, 'onnx/model.onnx'), 'not yet a model')
    const provider = await create({ model })
    expect((await rejection(provider.embed([TEXT], 'query'))).code).toBe('PROVIDER_MODEL')
    makeTinyModel(model)
    expectVector((await provider.embed([TEXT], 'query'))[0], unit(tinyMean(TEXT)))
  })

  it('takes calls at the same time', async () => {
    const provider = await create({ model: tiny() })
    const texts = ['cat', 'the dog', 'my red card']
    const answers = await Promise.all(texts.map(text => provider.embed([text], 'query')))
    for (const [i, text] of texts.entries()) expectVector(answers[i][0], unit(tinyMean(text)))
  })

  it('says which devices there are when it is given another', async () => {
    const provider = await create({ model: tiny(), device: 'abacus' })
    const error = await rejection(provider.embed([TEXT], 'query'))
    expect(error.code).toBe('PROVIDER_MODEL')
    expect(error.message).toMatch(/device "abacus".*cpu/)
  })
})
