import type { Format } from '../format.js'
import { f16Json, json } from './json.js'
import { llamaindex } from './llamaindex.js'
import { npy } from './npy.js'
import { onnx } from './onnx.js'
import { safetensors } from './safetensors.js'
import { sentenceTransformers } from './sentence-transformers.js'

/** Every format, in the order in which a file is tried. A new one is one file and one entry here. */
export const FORMATS = {
  json,
  'f16-json': f16Json,
  safetensors,
  npy,
  onnx,
  'sentence-transformers': sentenceTransformers,
  llamaindex,
} satisfies Record<string, Format>

/** Name of a format that adapters are written in. */
export type FormatName = keyof typeof FORMATS

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[]
