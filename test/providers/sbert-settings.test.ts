import { describe, expect, it } from 'vitest'
import { HIDDEN } from '../../scripts/make-tiny-model.js'
import { rejection } from '../helpers/rejection.js'
import { tinyMean, tinySentence, tinyTokens, tinyTokenVectors, unit } from '../helpers/tiny-model.js'
import { embedOne, expectVector, tiny } from '../helpers/tiny-sbert.js'

const MODULES = (...kinds: string[]) =>
  kinds.map((kind, idx) => ({
    idx,
    name: `${idx}`,
    path: `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }))
const TEXT = 'How can i pay my loan?'

describe('sbert with files of sentence-transformers', () => {
  const tokens = tinyTokenVectors(tinyTokens(TEXT))
  const column = (k: number) => tokens.map(token => token[k])
  const perColumn = (f: (values: number[]) => number) => Array.from({ length: HIDDEN }, (_, k) => f(column(k)))
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  const mean = perColumn(values => sum(values) / values.length)
  const max = perColumn(values => Math.max(...values))

  it.each<[string, Record<string, unknown>, number[]]>([
    ['cls', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, tokens[0]],
    ['mean', { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }, mean],
    ['max', { pooling_mode_mean_tokens: false, pooling_mode_max_tokens: true }, max],
    ['last token', { pooling_mode_mean_tokens: false, pooling_mode_lasttoken: true }, tokens[tokens.length - 1]],
    [
      'mean by the root of the length',
      { pooling_mode_mean_tokens: false, pooling_mode_mean_sqrt_len_tokens: true },
      perColumn(values => sum(values) / Math.sqrt(values.length)),
    ],
    [
      'weighted mean',
      { pooling_mode_mean_tokens: false, pooling_mode_weightedmean_tokens: true },
      perColumn(values => sum(values.map((v, t) => v * (t + 1))) / sum(values.map((_, t) => t + 1))),
    ],
    ['two modes, one after the other', { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }, [...max, ...mean]],
    ['a mode by name', { pooling_mode: 'cls' }, tokens[0]],
    ['a list of modes by name', { pooling_mode: ['mean', 'max'] }, [...mean, ...max]],
    ['mean where the file says nothing', { word_embedding_dimension: 8 }, mean],
  ])('pools as 1_Pooling/config.json says: %s', async (_name, config, expected) => {
    const model = tiny({ files: { '1_Pooling/config.json': config } })
    expectVector(await embedOne({ model, normalize: false }, TEXT), expected)
  })

  it('finds the pooling configuration where modules.json puts it', async () => {
    const modules = MODULES('Transformer', 'Dropout', 'Pooling', 'Normalize')
    const files = { 'modules.json': modules, '2_Pooling/config.json': { pooling_mode_cls_token: true } }
    expectVector(await embedOne({ model: tiny({ files }) }, TEXT), unit(tokens[0]))
  })

  it('normalises only when modules.json has a Normalize module', async () => {
    const without = tiny({ files: { 'modules.json': MODULES('Transformer', 'Pooling') } })
    expectVector(await embedOne({ model: without }, TEXT), mean)
    expectVector(await embedOne({ model: without, normalize: true }, TEXT), unit(mean))
    const withIt = tiny({ files: { 'modules.json': MODULES('Transformer', 'Pooling', 'Normalize') } })
    expectVector(await embedOne({ model: withIt }, TEXT), unit(mean))
  })

  it.each<[string, unknown, string, string]>([
    ['query and document', { prompts: { query: 'query: ', document: 'passage: ' } }, 'query: ', 'passage: '],
    ['query and passage', { prompts: { query: 'query: ', passage: 'passage: ' } }, 'query: ', 'passage: '],
    ['a query alone', { prompts: { query: 'query: ' } }, 'query: ', ''],
    ['a default for both', { prompts: { text: 'text: ' }, default_prompt_name: 'text' }, 'text: ', 'text: '],
    ['none', { prompts: {}, default_prompt_name: null }, '', ''],
  ])('puts the prompts of config_sentence_transformers.json before texts: %s', async (_name, config, query, document) => {
    const model = tiny({ files: { 'config_sentence_transformers.json': config } })
    expectVector(await embedOne({ model }, TEXT, 'query'), unit(tinyMean(query + TEXT)))
    expectVector(await embedOne({ model }, TEXT, 'document'), unit(tinyMean(document + TEXT)))
  })

  it('prefers the user’s options to the model’s files, an empty prompt too', async () => {
    const model = tiny({
      files: {
        'config_sentence_transformers.json': { prompts: { query: 'query: ', document: 'passage: ' } },
        '1_Pooling/config.json': { pooling_mode_cls_token: true },
      },
    })
    const options = { model, pooling: 'mean', queryPrefix: '', documentPrefix: 'text: ' } as const
    expectVector(await embedOne(options, TEXT, 'query'), unit(tinyMean(TEXT)))
    expectVector(await embedOne(options, TEXT, 'document'), unit(tinyMean(`text: ${TEXT}`)))
  })

  it('refuses a model whose Dense module is not in the ONNX file', async () => {
    const files = { 'modules.json': MODULES('Transformer', 'Pooling', 'Dense', 'Normalize') }
    const error = await rejection(embedOne({ model: tiny({ files }) }, TEXT))
    expect(error.code).toBe('PROVIDER_MODEL')
    expect(error.message).toMatch(/Dense module.*sentence_embedding/)
  })

  it('takes the output sentence_embedding for the vector where the model has it', async () => {
    const files = { 'modules.json': MODULES('Transformer', 'Pooling', 'Dense') }
    const model = tiny({ sentenceEmbedding: true, files })
    expectVector(await embedOne({ model }, TEXT), tinySentence(tinyTokens(TEXT)))
    expectVector(await embedOne({ model, pooling: 'cls' }, TEXT), tokens[0])
  })

  it('lower-cases texts with do_lower_case', async () => {
    const tokenizer = { tokenizer_class: 'BertTokenizer', unk_token: '[UNK]', pad_token: '[PAD]' }
    const cased = { 'tokenizer_config.json': { ...tokenizer, do_lower_case: false } }
    const files = { ...cased, 'sentence_bert_config.json': { do_lower_case: true, max_seq_length: null } }
    expectVector(await embedOne({ model: tiny({ files }) }, TEXT.toUpperCase()), unit(tinyMean(TEXT)))
  })
})
