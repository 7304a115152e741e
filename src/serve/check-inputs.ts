import { ApiError } from './api-error.js'

/**
 * The texts of a request, one or several.
 *
 * @param field the name of the field, for messages
 * @param maxInputs most texts at once
 * @throws ApiError 400 when it is anything else than one or more texts with something in them
 */
export function checkInputs(value: unknown, field: string, maxInputs: number): readonly string[] {
  const wrong = (message: string, code = 'invalid_input'): ApiError =>
    new ApiError(400, code, message, { param: field })
  if (value === undefined || value === null) throw wrong(`"${field}" is missing`)
  const texts: unknown = typeof value === 'string' ? [value] : value
  if (!Array.isArray(texts)) throw wrong(`expected "${field}" to be a text or a list of texts`)
  if (texts.length === 0) throw wrong(`"${field}" is empty`)
  if (texts.length > maxInputs) {
    throw wrong(`"${field}" has ${texts.length} texts; at most ${maxInputs} fit into one request`, 'too_many_inputs')
  }
  for (const [i, text] of texts.entries()) {
    const name = typeof value === 'string' ? `"${field}"` : `${field}[${i}]`
    if (typeof text === 'number' || Array.isArray(text)) {
      const remedy = 'send texts (LangChain for Python: check_embedding_ctx_length=False)'
      throw wrong(
        `${name} is a token or a list of tokens, which this server does not take; ${remedy}`,
        'tokens_refused',
      )
    }
    if (typeof text !== 'string') throw wrong(`expected ${name} to be a text`)
    if (text.trim() === '') throw wrong(`${name} is empty`, 'empty_input')
    if (/\p{Surrogate}/u.test(text)) throw wrong(`${name} is not well-formed Unicode`)
  }
  return texts
}
