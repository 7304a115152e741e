import type { QADataset } from '../dataset/dataset.js'
import { checkPartsForLeaks } from '../dataset/leaks.js'
import { findNearDuplicates } from '../dataset/near-duplicates.js'
import type { DatasetSplit } from '../dataset/split.js'
import { PART_NAMES, type PartName } from '../dataset/writers/writer.js'
import { AdapterTrainError } from '../errors.js'
import type { AssignedChunks } from './assign-parts.js'
import type { FilteredQuestions } from './filtered-questions.js'
import type { GeneratedQuestion } from './generate-questions.js'

/**
 * Makes a data set of each part: its chunks, also those without a question, and the questions for them. A question that is nearly
 * the same as one of an earlier part is dropped.
 *
 * @throws DATASET_SPLIT when a part has no question
 * @throws DATASET_LEAK when parts share text all the same
 */
export function buildParts(
  questions: readonly GeneratedQuestion[],
  { chunks, partOf }: AssignedChunks,
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
  const parts = Object.fromEntries(
    names.map((part): [PartName, QADataset] => {
      const queries = textsOf(part)
      if (queries.size === 0) throw noQuestion(part)
      const own = kept.filter(({ id }) => queries.has(id))
      return [
        part,
        {
          name: `the ${part} part`,
          queries,
          corpus: new Map(chunks.filter(({ id }) => partOf.get(id) === part).map(({ id, text }) => [id, text])),
          qrels: new Map(own.map(({ id, chunk }) => [id, new Map([[chunk, 1]])])),
        },
      ]
    }),
  ) as unknown as DatasetSplit
  checkPartsForLeaks(parts, { documents: 'all' })
  return { parts, kept, dropped }
}

function noQuestion(part: PartName): AdapterTrainError {
  return new AdapterTrainError(
    'DATASET_SPLIT',
    `no question is left for the ${part} part: give more documents, ask for more questions a chunk, or give it a larger share`,
    { details: { part } },
  )
}
