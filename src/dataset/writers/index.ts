import { beir } from './beir.js'
import { jsonl } from './jsonl.js'
import { llamaindex } from './llamaindex.js'
import type { DatasetWriter } from './writer.js'

/** Formats that datasets are written in; the first is the default. */
export const DATASET_WRITERS = [llamaindex, beir, jsonl] as const satisfies readonly DatasetWriter[]

export type DatasetWriterName = (typeof DATASET_WRITERS)[number]['name']
