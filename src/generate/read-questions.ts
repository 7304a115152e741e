import { foldText } from '../dataset/fold-text.js'
import type { Chunk } from '../documents/chunk.js'
import { cleanQuestion } from './clean-question.js'
import type { ChatAnswer } from './llm/chat-model.js'
import { parseAnswer } from './parse-answer.js'
import { chunkWordsOf, type DropReason, rejectionOf } from './reject.js'

/** Words of an answer that did not become a query. */
export interface Dropped {
  readonly chunk: string
  /** As the model wrote it. */
  readonly text: string
  readonly reason: DropReason
}

export interface ReadQuestions {
  readonly texts: readonly string[]
  readonly dropped: readonly Dropped[]
  /** Queries around which numbering, bullets, labels or quotes were taken away. */
  readonly stripped: number
}

/**
 * The good queries in one answer.
 *
 * @param count the most that are kept
 * @param extractive whether the queries are sentences of the chunk: quoting it is then no fault, and spare ones are no surplus
 * @param seen folded texts of earlier queries; those of this answer are added
 */
export function readQuestions(
  chunk: Chunk,
  answer: ChatAnswer,
  count: number,
  extractive: boolean,
  seen: Set<string>,
): ReadQuestions {
  const texts: string[] = []
  const dropped: Dropped[] = []
  let stripped = 0
  const drop = (text: string, reason: DropReason): void => {
    dropped.push({ chunk: chunk.id, text, reason })
  }
  if (answer.refused) drop(answer.text, 'refusal')
  const { candidates, form } = answer.refused ? { candidates: [], form: 'lines' } : parseAnswer(answer.text)
  const chunkWords = extractive ? undefined : chunkWordsOf(chunk)
  for (const [i, candidate] of candidates.entries()) {
    if (extractive && texts.length === count) break
    const text = cleanQuestion(candidate, form === 'json' ? i + 1 : undefined)
    const reason = rejectionOf(text, candidate, chunkWords)
    if (reason !== undefined) {
      drop(candidate, reason)
      continue
    }
    const folded = foldText(text).replace(/[\s\p{P}]+$/u, '')
    if (seen.has(folded)) drop(candidate, 'duplicate')
    else if (texts.length < count) {
      seen.add(folded)
      texts.push(text)
      if (text !== candidate.trim()) stripped++
    } else drop(candidate, 'surplus')
  }
  return { texts, dropped, stripped }
}
