// Enough for every message; a whole page or stack trace is cut here, before it is searched for keys.
const LONGEST = 10_000

/**
 * What an error body says: the shapes of OpenAI and Cohere, those of common compatible servers, and pages of proxies.
 *
 * @param body as it arrived, JSON or not
 * @returns the service's message, not yet free of keys, and its own error code where it has one
 */
export function parseErrorBody(body: string): { message: string; code?: string } {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    const text = body.slice(0, LONGEST)
    return { message: /^\s*</.test(text) ? text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ') : text }
  }
  const outer = record(json)
  const inner = record(outer.error)
  const said = [inner.message, outer.error, outer.message, outer.detail, json].find(part => part != null && part !== '')
  const code = [inner.code, inner.type, outer.code].find(part => typeof part === 'string')
  const message = typeof said === 'string' ? said : JSON.stringify(said ?? '')
  return { message: message.slice(0, LONGEST), code }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
