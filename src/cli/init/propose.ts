import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createChatModel } from '../../generate/llm/index.js'
import { estimateDocuments } from '../../pipeline/estimate-documents.js'
import type { FirstLook } from '../../pipeline/first-look.js'
import { whole } from '../../report/format.js'
import { kebab } from '../../words.js'
import { DATA_FILES } from '../options/data-files.js'
import { count } from '../output/tables.js'
import { commandLine } from '../output/write-report.js'
import { proposedBase } from './choose-base.js'
import { priceText } from './setup-text.js'

/** Fields that `import` takes by the file's own names. */
const FIELDS = ['query', 'document', 'query_id', 'document_id', 'grade'] as const

/** Proposes `import` with the columns that look like query and document: lines for people, command lines, facts for programs. */
export function proposeImport({ path, columns, fields }: Extract<FirstLook, { kind: 'columns' }>) {
  const folder = freeFolder()
  const named = FIELDS.flatMap(field => (fields[field] === undefined ? [] : [[field, fields[field]] as const]))
  const options = named.flatMap(([field, name]) => [`--${kebab(field).replace('_', '-')}`, name])
  return {
    lines: [
      `${path} has the columns ${columns.join(', ')}, not "query" and "document".`,
      `"${fields.query}" looks like the query, "${fields.document}" like the document that answers it; if that is wrong, change the names.`,
      'import makes training, validation and test sets of it that share no text.',
    ],
    next: [commandLine(['import', path, ...options, '--out', folder]), initLine(folder)],
    facts: { kind: 'columns', path, columns, fields },
  }
}

/** Proposes `generate` likewise, with its cost. */
export async function proposeGenerate({ path, counts }: Extract<FirstLook, { kind: 'documents' }>, signal?: AbortSignal) {
  const folder = freeFolder()
  const base = await proposedBase()
  const llm = base === 'openai' || base === 'cohere' ? base : 'none'
  const model = await createChatModel(llm, { apiKey: 'none' })
  const { documents, chunks, skipped, estimate } = await estimateDocuments([path], model, { signal })
  const { missing, inputTokens, outputTokens, cost } = estimate
  const kinds = Object.entries(counts).map(([extension, n]) => `${n} ${extension}`)
  const tokens = `about ${whole(inputTokens)} tokens in and ${whole(outputTokens)} out`
  const price = cost === undefined ? 'at a price that is not known' : priceText(cost)
  return {
    lines: [
      `${path} holds documents (${kinds.join(', ')}) and no queries. An adapter learns from queries with the documents that answer them.`,
      `generate has questions written for them: ${count(documents, 'document')}, ${count(chunks, 'chunk')}${skipped.length > 0 ? `, ${count(skipped.length, 'file')} skipped` : ''}; ` +
        (llm === 'none'
          ? 'without a key for an LLM (OPENAI_API_KEY, CO_API_KEY) it takes headings and sentences of the documents, at no cost'
          : `${model.id} is asked ${missing} times, ${tokens}, ${price}`),
    ],
    next: [commandLine(['generate', path, '--llm', llm, '--out', folder]), initLine(folder)],
    facts: { kind: 'documents', path, counts, documents, chunks, llm: model.id, estimate: { ...estimate } },
  }
}

/** Finds a folder without datasets, which neither command would overwrite. */
function freeFolder(): string {
  for (let i = 1; ; i++) {
    const folder = i === 1 ? 'data' : `data-${i}`
    if (!existsSync(join(folder, DATA_FILES.train))) return folder
  }
}

const initLine = (folder: string): string => commandLine(['init', '--data', `${folder}/${DATA_FILES.train}`])
