/**
 * Writes a BERT-like model small enough to work out by hand, for tests: `node scripts/make-tiny-model.ts <folder>`.
 *
 *     x[t]   = tanh(word[id[t]] + position[t] + type[0])                        token vectors, H values each
 *     out[t] = x[t] + 0.5 * (mean of x over the tokens whose attention mask is 1)
 *
 * so that positions, neighbours and the attention mask all change the output. The ONNX file is encoded by hand (protobuf
 * wire format); the bytes are the same on every machine.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Length of a vector. */
export const HIDDEN = 8
/** Most positions, special tokens included. */
export const POSITIONS = 32

const WORDS =
  'the a of to in is my your card bank account money transfer refund cash loan rate fee how what when where why can do ' +
  'lost found new old open close pay query passage document text short long cat dog river tree red blue green one two ' +
  '##s ##ed ##ing , . ? ! :'

/** Token -> id. */
export const VOCAB: ReadonlyMap<string, number> = new Map(
  ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...WORDS.split(' ')].map((token, id) => [token, id]),
)

/** Weights in [-1, 1), each table from its own salt, by integer arithmetic only. */
function table(rows: number, salt: number): Float32Array {
  return Float32Array.from({ length: rows * HIDDEN }, (_, i) => {
    let h = Math.imul(i + 1 + salt * 7919, 0x9e3779b1)
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
    return ((h ^ (h >>> 13)) >>> 8) / 2 ** 23 - 1
  })
}

/** Row-major tables of HIDDEN columns. */
export const WEIGHTS = { word: table(VOCAB.size, 1), position: table(POSITIONS, 2), type: table(2, 3) }

export interface TinyModelOptions {
  /** Adds the output `sentence_embedding` [B, H]: minus the mean of x, so that it cannot be taken for pooling. */
  readonly sentenceEmbedding?: boolean
  /** End of the ONNX file's name, such as `_quantized`. */
  readonly suffix?: string
  /** Further JSON files, such as `1_Pooling/config.json`. */
  readonly files?: Readonly<Record<string, unknown>>
}

/** Writes config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx; returns the absolute path. */
export function makeTinyModel(folder: string, options: TinyModelOptions = {}): string {
  const files: Record<string, unknown> = {
    'config.json': {
      model_type: 'bert',
      architectures: ['BertModel'],
      hidden_size: HIDDEN,
      vocab_size: VOCAB.size,
      max_position_embeddings: POSITIONS,
    },
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: true,
      model_max_length: 512,
      unk_token: '[UNK]',
      pad_token: '[PAD]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      mask_token: '[MASK]',
    },
    'tokenizer.json': tokenizerJson(),
    ...options.files,
  }
  const write = (name: string, content: string | Uint8Array): void => {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, content)
  }
  for (const [name, value] of Object.entries(files)) write(name, `${JSON.stringify(value, null, 2)}\n`)
  write(`onnx/model${options.suffix ?? ''}.onnx`, onnxModel(options.sentenceEmbedding ?? false))
  return resolve(folder)
}

function tokenizerJson(): unknown {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const template = (content: string) => ({ SpecialToken: { id: content, type_id: 0 } })
  const id = (content: string) => VOCAB.get(content)
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(content => ({ id: id(content), content, ...flags })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [template('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, template('[SEP]')],
      pair: [
        template('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        template('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map(token => [token, { id: token, ids: [id(token)], tokens: [token] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(VOCAB),
    },
  }
}

const FLOAT = 1
const INT64 = 7

function onnxModel(sentenceEmbedding: boolean): Uint8Array {
  const nodes = [
    node('Gather', ['word', 'input_ids'], 'words'),
    node('Gather', ['type', 'token_type_ids'], 'types'),
    node('Shape', ['input_ids'], 'shape'),
    node('Gather', ['shape', 'one'], 'length'),
    node('Range', ['zero', 'length', 'one'], 'range'),
    node('Gather', ['position', 'range'], 'positions'),
    node('Add', ['words', 'types'], 'sum'),
    node('Add', ['sum', 'positions'], 'embedded'),
    node('Tanh', ['embedded'], 'x'),
    node('Cast', ['attention_mask'], 'mask', [attribute('to', FLOAT)]),
    node('Unsqueeze', ['mask', 'last_axis'], 'mask3'),
    node('Mul', ['x', 'mask3'], 'masked'),
    node('ReduceSum', ['masked', 'token_axis'], 'total'),
    node('ReduceSum', ['mask3', 'token_axis'], 'count'),
    node('Div', ['total', 'count'], 'mean'),
    node('Mul', ['mean', 'half'], 'context'),
    node('Add', ['x', 'context'], 'last_hidden_state'),
  ]
  const outputs = [tensorInfo('last_hidden_state', FLOAT, ['batch', 'tokens', HIDDEN])]
  if (sentenceEmbedding) {
    nodes.push(node('Squeeze', ['mean', 'token_axis'], 'mean2'), node('Neg', ['mean2'], 'sentence_embedding'))
    outputs.push(tensorInfo('sentence_embedding', FLOAT, ['batch', HIDDEN]))
  }
  const initializers = [
    floats('word', [VOCAB.size, HIDDEN], WEIGHTS.word),
    floats('position', [POSITIONS, HIDDEN], WEIGHTS.position),
    floats('type', [2, HIDDEN], WEIGHTS.type),
    floats('half', [], Float32Array.of(0.5)),
    int64s('zero', [], [0]),
    int64s('one', [], [1]),
    int64s('token_axis', [1], [1]),
    int64s('last_axis', [1], [2]),
  ]
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map(name => tensorInfo(name, INT64, ['batch', 'tokens']))
  const graph = [
    ...nodes.map(bytes => message(1, bytes)),
    text(2, 'tiny-bert'),
    ...initializers.map(bytes => message(5, bytes)),
    ...inputs.map(bytes => message(11, bytes)),
    ...outputs.map(bytes => message(12, bytes)),
  ]
  const opset = concat([text(1, ''), integer(2, 13)])
  return concat([integer(1, 8), text(2, 'make-tiny-model'), message(7, concat(graph)), message(8, opset)])
}

function node(type: string, inputs: string[], output: string, attributes: Uint8Array[] = []): Uint8Array {
  const names = inputs.map(name => text(1, name))
  return concat([...names, text(2, output), text(4, type), ...attributes.map(bytes => message(5, bytes))])
}

function attribute(name: string, value: number): Uint8Array {
  return concat([text(1, name), integer(3, value), integer(20, 2)])
}

function tensorInfo(name: string, type: number, dims: (string | number)[]): Uint8Array {
  const shape = dims.map(dim => message(1, typeof dim === 'string' ? text(2, dim) : integer(1, dim)))
  const tensorType = concat([integer(1, type), message(2, concat(shape))])
  return concat([text(1, name), message(2, message(1, tensorType))])
}

function floats(name: string, dims: number[], values: Float32Array): Uint8Array {
  const raw = new DataView(new ArrayBuffer(values.length * 4))
  values.forEach((value, i) => {
    raw.setFloat32(i * 4, value, true)
  })
  return tensor(name, FLOAT, dims, raw)
}

function int64s(name: string, dims: number[], values: number[]): Uint8Array {
  const raw = new DataView(new ArrayBuffer(values.length * 8))
  values.forEach((value, i) => {
    raw.setBigInt64(i * 8, BigInt(value), true)
  })
  return tensor(name, INT64, dims, raw)
}

function tensor(name: string, type: number, dims: number[], raw: DataView): Uint8Array {
  const sizes = dims.map(dim => integer(1, dim))
  return concat([...sizes, integer(2, type), text(8, name), message(9, new Uint8Array(raw.buffer))])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return [...bytes, value]
}

const integer = (field: number, value: number): Uint8Array => Uint8Array.from([...varint(field * 8), ...varint(value)])
const text = (field: number, value: string): Uint8Array => message(field, new TextEncoder().encode(value))

function message(field: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes])
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2]
  if (!folder) throw new Error('give the folder to write the model into')
  makeTinyModel(folder)
}
