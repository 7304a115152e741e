import { AdapterTrainError, messageOf } from '../../errors.js'
import { type ModelFiles, modelError } from './files.js'

/** Loaded tokenizer and ONNX session. */
export type Runtime = Awaited<ReturnType<typeof loadRuntime>>

type Transformers = typeof import('@huggingface/transformers')

export async function loadRuntime(folder: string, files: ModelFiles, device = 'cpu') {
  const { AutoModel, AutoTokenizer, Tensor } = await importTransformers()
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained(folder, { local_files_only: true }),
    AutoModel.from_pretrained(folder, {
      local_files_only: true,
      subfolder: files.onnx.includes('/') ? 'onnx' : '',
      dtype: files.dtype,
      device: device as 'cpu',
    }),
  ]).catch(error => {
    const which = `the model in "${folder}" (${files.onnx}, device "${device}")`
    throw modelError(`${which} cannot be loaded: ${messageOf(error)}`, { cause: error })
  })

  const encode = (text: string, special = true): number[] => tokenizer.encode(text, { add_special_tokens: special })
  const [head, tail] = specialTokens(encode('a'), encode('a', false))
  const padId = tokenizer.pad_token_id ?? 0
  const session = Object.values(model.sessions as Record<string, { outputNames: readonly string[] }>)[0]

  return {
    outputNames: session.outputNames,

    /** Gives the token ids of every text, cut to `maxTokens`, with the special tokens at both ends. */
    tokenize: (texts: readonly string[], maxTokens: number) =>
      texts.map(text => {
        const ids = encode(text)
        if (ids.length <= maxTokens) return ids
        const end = Math.max(maxTokens - tail, head + 1)
        return [...ids.slice(0, end), ...ids.slice(ids.length - tail)]
      }),

    /**
     * Runs the model on rows of token ids, padded on the right to the longest.
     * @returns token vectors [B, T, H], or finished text vectors [B, H]
     */
    async run(rows: readonly (readonly number[])[], finished: boolean) {
      const B = rows.length
      // At least one position, because texts may have no tokens and runtimes refuse empty tensors.
      const T = Math.max(1, ...rows.map(row => row.length))
      const ids = new BigInt64Array(B * T).fill(BigInt(padId))
      const mask = new BigInt64Array(B * T)
      rows.forEach((row, b) => {
        for (let t = 0; t < row.length; t++) {
          ids[b * T + t] = BigInt(row[t])
          mask[b * T + t] = 1n
        }
      })
      const inputs = { input_ids: new Tensor('int64', ids, [B, T]), attention_mask: new Tensor('int64', mask, [B, T]) }
      const outputs = await model(inputs).catch((error: unknown) => {
        const problem = `failed on ${B} texts of up to ${T} tokens: ${messageOf(error)}`
        throw modelError(`the model in "${folder}" ${problem}`, { cause: error })
      })
      const preferred = [...(finished ? ['sentence_embedding'] : []), 'last_hidden_state', 'token_embeddings']
      const name = preferred.find(key => outputs[key]) ?? session.outputNames[0]
      const { dims, data }: { dims: number[]; data: Float32Array } = outputs[name].to('float32')
      // A copy, because the runtime owns the memory of an output.
      const output = { dims: [...dims], data: data.slice() }
      for (const key of session.outputNames) outputs[key]?.dispose?.()
      return output
    },

    close: async () => {
      await model.dispose()
    },
  }
}

async function importTransformers(): Promise<Transformers> {
  try {
    return await import('@huggingface/transformers')
  } catch (error) {
    throw new AdapterTrainError(
      'PROVIDER_PACKAGE',
      'local models: the optional package @huggingface/transformers or its native runtime onnxruntime-node ' +
        `cannot be loaded: ${messageOf(error)}. Run "npm install @huggingface/transformers" (with optional ` +
        'dependencies, on a system for which onnxruntime-node has binaries: Linux with glibc, macOS arm64, Windows)',
      { cause: error },
    )
  }
}

function specialTokens(full: readonly number[], bare: readonly number[]): [head: number, tail: number] {
  const extra = full.length - bare.length
  for (let head = 0; head <= extra; head++) {
    if (bare.every((id, i) => full[head + i] === id)) return [head, extra - head]
  }
  return [0, 0]
}

/** Texts and padded tokens in one pass: enough to keep a CPU busy, little enough for the attention of a large model. */
const MAX_ROWS = 32
const MAX_PADDED_TOKENS = 8192

/** Groups rows of similar length, to pad little; the longest first, so that a lack of memory shows at once. */
export function* batchesByLength(rows: readonly (readonly number[])[]): Generator<number[]> {
  const order = rows.map((_, i) => i).sort((i, j) => rows[j].length - rows[i].length || i - j)
  for (let start = 0; start < order.length; ) {
    const longest = Math.max(1, rows[order[start]].length)
    const count = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PADDED_TOKENS / longest)))
    yield order.slice(start, start + count)
    start += count
  }
}
