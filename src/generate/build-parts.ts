import type { QADataset } from '../dataset/dataset.js'
import { checkPartsForLeaks } from '../dataset/leaks.js'
import { findNearDuplicates } from '../dataset/near-duplicates.js'
import type { DatasetSplit } from '../dataset/split.js'
import { PART_NAMES, type PartName } from '../dataset/split.js'
import { AdapterTrainError } from '../errors.js'
import type { AssignedChunks } from './assign-parts.js'
import type { FilteredQuestions } from './filter.js'
import type { GeneratedQuestion } from './generate-questions.js'

/** Makes a dataset of each split: its questions and all chunks, without near-duplicates of earlier splits' questions. */
export function buildParts(
  questions: readonly GeneratedQuestion[],
  { corpus: chunks, partOf }: Pick<AssignedChunks, 'corpus' | 'partOf'>,
): { readonly parts: DatasetSplit } & FilteredQuestions {
  const wanted = new Set(partOf.values())
  const names = PART_NAMES.filter(part => wanted.has(part))
  let kept = questions
  const dropped: FilteredQuestions['dropped'][number][] = []
  const textsOf = (part: PartName) =>
    new Map(kept.filter(({ chunk }) => partOf.get(chunk) === part).map(({ id, text }) => [id, text]))
  for (const [i, part] of names.entries()) {
    for (const later of names.slice(i + 1)) {
      const likeOf = new Map(findNearDuplicates(textsOf(part), textsOf(later)).map(({ a, b }) => [b, a]))
      for (const question of kept) {
        const like = likeOf.get(question.id)
        if (like !== undefined) dropped.push({ ...question, reason: 'near-duplicate', like })
      }
      kept = kept.filter(({ id }) => !likeOf.has(id))
    }
  }
  const corpus = new Map(chunks.map(({ id, text }) => [id, text]))
  const parts = Object.fromEntries(
    names.map((part): [PartName, QADataset] => {
      const queries = textsOf(part)
      if (queries.size === 0) {
        const fix = 'Give more documents, generate more questions per chunk, or give it a larger share'
        const message = `no question is left for the ${part} split. ${fix}`
        throw new AdapterTrainError('DATASET_SPLIT', message, { details: { part } })
      }
      const own = kept.filter(({ id }) => queries.has(id))
      const qrels = new Map(own.map(({ id, chunk }) => [id, new Map([[chunk, 1]])]))
      return [part, { name: `the ${part} part`, queries, corpus, qrels }]
    }),
  ) as unknown as DatasetSplit
  checkPartsForLeaks(parts)
  return { parts, kept, dropped }
}
