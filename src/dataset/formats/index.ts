import { beir } from './beir.js'
import { csv } from './csv.js'
import type { DatasetFormat } from './format.js'
import { json } from './json.js'
import { jsonl } from './jsonl.js'
import { llamaindex } from './llamaindex.js'

/** Every format that a data set is read from, asked in this order. */
export const DATASET_FORMATS = [llamaindex, beir, json, jsonl, csv] as const satisfies readonly DatasetFormat[]

export type DatasetFormatName = (typeof DATASET_FORMATS)[number]['name']
