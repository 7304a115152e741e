import { llamaIndexBytes } from '../write.js'
import { countGrades, type DatasetWriter, partsOf } from './writer.js'

const partFiles = { train: 'train_dataset.json', validation: 'val_dataset.json', test: 'test_dataset.json' } as const

/**
 * LlamaIndex's EmbeddingQAFinetuneDataset, a file a part: every judgement above 0 is a relevant document, and there are no others.
 *
 * @see https://docs.llamaindex.ai/en/stable/examples/finetuning/embeddings/finetune_embedding/
 */
export const llamaindex = {
  name: 'llamaindex',
  description: 'train_dataset.json, val_dataset.json and test_dataset.json, as LlamaIndex reads them; no grades',
  partFiles,
  sharedFiles: [],
  files: parts =>
    partsOf(parts).map(([part, dataset]) => ({
      path: partFiles[part],
      content: () => llamaIndexBytes(dataset, { grades: false }),
    })),
  losses(parts) {
    const { changed, negatives } = countGrades(parts, grade => grade !== 1)
    const remedy = 'LlamaIndex has no grades; --format beir or jsonl keeps them.'
    return [
      ...(changed > 0 ? [`${changed} grades other than 1 became 1: ${remedy}`] : []),
      ...(negatives > 0
        ? [`${negatives} judgements "not relevant" are left out, their documents stay in the corpus: ${remedy}`]
        : []),
    ]
  },
} as const satisfies DatasetWriter
