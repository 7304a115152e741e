import { parseErrorBody } from '../providers/error-body.js'

/** One line of an output or error file: the body of an answer, or what went wrong. */
export interface AnswerLine {
  /** Absent where the line does not say which request it answers. */
  readonly customId?: string
  readonly body?: unknown
  /** Not yet free of keys. */
  readonly problem?: string
}

/** @see https://platform.openai.com/docs/api-reference/batch/request-output */
export function readAnswerLine(line: string): AnswerLine {
  let parsed: Line | null
  try {
    parsed = JSON.parse(line) as Line | null
  } catch {
    return {}
  }
  if (typeof parsed?.custom_id !== 'string') return {}
  const { custom_id: customId, response, error } = parsed
  if (error) return { customId, problem: error.message ?? error.code ?? 'no reason given' }
  const status = response?.status_code
  if (status === 200) return { customId, body: response?.body }
  const { message } = parseErrorBody(JSON.stringify(response?.body ?? ''))
  return { customId, problem: `HTTP ${status ?? '?'}${message ? `: ${message}` : ''}` }
}

interface Line {
  readonly custom_id?: unknown
  readonly response?: { readonly status_code?: number; readonly body?: unknown } | null
  readonly error?: { readonly code?: string; readonly message?: string } | null
}
