import type { DatasetSplit } from '../../dataset/split.js'
import { partsOf } from '../../dataset/writers/writer.js'
import type { Chunk } from '../../documents/chunk.js'
import type { SkippedFile } from '../../documents/load-documents.js'
import type { AssignedChunks } from '../../generate/assign-parts.js'
import type { FilteredOut } from '../../generate/filtered-questions.js'
import type { GeneratedQuestions } from '../../generate/generate-questions.js'
import { formatDollars } from '../session.js'
import { formatTable } from './console.js'
import { PLAIN, type Style } from './style.js'
import { count } from './tables.js'

/** Everything that a run of `generate` did. */
export interface GenerateResult {
  readonly llm: string
  readonly documents: number
  readonly skipped: readonly SkippedFile[]
  readonly assigned: AssignedChunks
  readonly generated: GeneratedQuestions
  readonly filtered: readonly FilteredOut[]
  readonly parts: DatasetSplit
  readonly files: readonly string[]
}

/** The one object of `--json`. */
export function generateReport(result: GenerateResult) {
  const { assigned, generated, filtered } = result
  const { requests, retries, cached, inputTokens, outputTokens, cost } = generated.stats
  return {
    llm: result.llm,
    documents: { read: result.documents, skipped: result.skipped },
    chunks: {
      asked: generated.stats.chunks,
      splitBy: assigned.by,
      leftOut: assigned.leftOut.map(({ chunk, reason, like }) => ({ ...placeOf(chunk), reason, like })),
      failed: generated.failed.map(({ chunk, error }) => ({
        ...placeOf(chunk),
        code: error.code,
        message: error.message,
      })),
    },
    questions: {
      kept: partsOf(result.parts).reduce((sum, [, { queries }]) => sum + queries.size, 0),
      stripped: generated.stripped,
      dropped: dropCounts(result),
    },
    parts: Object.fromEntries(
      partsOf(result.parts).map(([part, { queries, corpus }]) => [
        part,
        { questions: queries.size, chunks: corpus.size },
      ]),
    ),
    files: result.files,
    llmUse: { requests, retries, cachedAnswers: cached, inputTokens, outputTokens, cost: cost ?? null },
    dropped: [
      ...generated.dropped.map(({ chunk, reason, text }) => ({ chunk, reason, text })),
      ...filtered.map(({ chunk, reason, text, like, similarity }) => ({ chunk, reason, text, like, similarity })),
    ],
  }
}

/** The same as a table for people. */
export function generateTable(result: GenerateResult, style: Style = PLAIN): string {
  const report = generateReport(result)
  const { requests, retries, cachedAnswers, inputTokens, outputTokens, cost } = report.llmUse
  const number = (n: number): string => n.toLocaleString('en')
  const rows = [
    ['documents', number(report.documents.read)],
    ...only('  skipped or read in part', report.documents.skipped.length),
    ['chunks', number(report.chunks.asked)],
    ...only('  left out of the split', report.chunks.leftOut.length),
    ...only('  failed', report.chunks.failed.length),
    ['questions', number(report.questions.kept)],
    ...Object.entries(report.questions.dropped).map(([reason, n]) => [`  dropped: ${reason}`, number(n)]),
    ...(result.llm === 'none'
      ? []
      : [
          ['requests', `${number(requests)}${retries > 0 ? ` (${count(retries, 'retry', 'retries')})` : ''}`],
          ['answers from the cache', number(cachedAnswers)],
          ['tokens in', number(inputTokens)],
          ['tokens out', number(outputTokens)],
          ['cost', cost === null ? 'unknown' : formatDollars(cost)],
        ]),
  ]
  const parts = Object.entries(report.parts).map(([part, { questions, chunks }]) => [
    part,
    number(questions),
    number(chunks),
  ])
  return [
    formatTable(rows),
    formatTable([['part', 'questions', 'chunks'], ...parts], style),
    report.files.join('\n'),
  ].join('\n\n')
}

function only(label: string, n: number): string[][] {
  return n === 0 ? [] : [[label, n.toLocaleString('en')]]
}

/** By reason, the most frequent first. */
function dropCounts({ generated, filtered }: GenerateResult): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { reason } of [...generated.dropped, ...filtered]) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}

/** A chunk as it is named in reports. */
function placeOf({ id, source }: Chunk): { readonly chunk: string } & Chunk['source'] {
  return { chunk: id, ...source }
}
