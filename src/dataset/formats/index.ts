import { beir } from './beir.js'
import type { DatasetFormat } from './format.js'
import { judgements } from './judgements.js'
import { llamaindex } from './llamaindex.js'
import { csv, json, jsonl, tsv } from './records.js'
import { searchLog } from './search-log.js'
import { squad } from './squad.js'
import { triplets } from './triplets.js'

export const DATASET_FORMATS = [
  llamaindex,
  beir,
  squad,
  triplets,
  searchLog,
  judgements,
  json,
  jsonl,
  csv,
  tsv,
] as const satisfies readonly DatasetFormat[]

export type DatasetFormatName = (typeof DATASET_FORMATS)[number]['name']
