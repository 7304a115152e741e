import type { Format } from '../format.js'

/** Every format, in the order of trial: its line for `--help`, and its code. A new one is one file and one entry here. */
const FORMATS = {
  json: ["this package's own file", async () => (await import('./json.js')).json],
  'f16-json': ['the same with weights in float16, half the size', async () => (await import('./json.js')).f16Json],
  safetensors: [
    'one binary file with metadata, for Python, Rust and the runtime',
    async () => (await import('./safetensors.js')).safetensors,
  ],
  npy: ['a folder of NumPy arrays, W.npy and b.npy', async () => (await import('./npy.js')).npy],
  onnx: ['a model for ONNX runtimes, embedding [batch, d] to adapted [batch, k]', async () => (await import('./onnx.js')).onnx],
  'sentence-transformers': [
    'the folder of a Dense module of Sentence Transformers',
    async () => (await import('./sentence-transformers.js')).sentenceTransformers,
  ],
  llamaindex: [
    "the folder that LlamaIndex's LinearAdapterEmbeddingModel loads",
    async () => (await import('./llamaindex.js')).llamaindex,
  ],
  card: ['a model card in Markdown', async () => (await import('./card.js')).card],
} satisfies Record<string, readonly [description: string, load: () => Promise<Format>]>

/** Name of a format of adapters. */
export type FormatName = keyof typeof FORMATS

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[]

/** Describes a format in one line for `--help`. */
export const describeFormat = (name: FormatName): string => FORMATS[name][0]

export const loadFormat = (name: FormatName): Promise<Format> => FORMATS[name][1]()

export async function findFormat(meets: (format: Format) => boolean): Promise<FormatName | undefined> {
  for (const name of FORMAT_NAMES) if (meets(await loadFormat(name))) return name
}
