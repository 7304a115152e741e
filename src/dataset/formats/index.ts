import { beir } from './beir.js'
import { csv } from './csv.js'
import type { DatasetFormat } from './format.js'
import { json } from './json.js'
import { jsonl } from './jsonl.js'
import { llamaindex } from './llamaindex.js'
import { searchLog } from './search-log.js'
import { squad } from './squad.js'
import { triplets } from './triplets.js'
import { tsv } from './tsv.js'

/** Every format that a data set is read from. */
export const DATASET_FORMATS = [
  llamaindex,
  beir,
  squad,
  triplets,
  searchLog,
  json,
  jsonl,
  csv,
  tsv,
] as const satisfies readonly DatasetFormat[]

export type DatasetFormatName = (typeof DATASET_FORMATS)[number]['name']
