import { createRequire } from 'node:module'
import { JsonCursor, JsonSyntaxError } from '../dataset/json-cursor.js'
import { messageOf } from '../errors.js'

/** One key of a configuration file. */
export interface ConfigEntry {
  readonly key: string
  readonly value: unknown
  /** 1-based line of the key. */
  readonly line: number
}

/** What is wrong with a configuration file as a whole, and where. */
export class ConfigSyntaxError extends Error {
  readonly line: number | undefined

  constructor(message: string, line?: number, cause?: unknown) {
    super(message, { cause })
    this.line = line
  }
}

/**
 * The keys of a configuration file in their order, those that are there twice included.
 *
 * @param content without a byte order mark
 * @throws ConfigSyntaxError when it is not JSON, or for .yaml and .yml not YAML, or no object
 */
export function configEntries(path: string, content: string): readonly ConfigEntry[] {
  return /\.ya?ml$/i.test(path) ? yamlEntries(content) : jsonEntries(content)
}

function jsonEntries(content: string): ConfigEntry[] {
  const lineOf = (offset: number): number => content.slice(0, offset).split('\n').length
  const cursor = new JsonCursor(content)
  const entries: ConfigEntry[] = []
  try {
    const isObject = cursor.peek() === '{'
    if (isObject) {
      cursor.object((key, offset) => void entries.push({ key, value: cursor.value(), line: lineOf(offset) }))
    } else cursor.skip()
    cursor.end()
    if (isObject) return entries
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause
    throw new ConfigSyntaxError(`is not JSON: ${cause.message}`, lineOf(cause.offset), cause)
  }
  throw new ConfigSyntaxError('expected a JSON object whose keys are option names')
}

function yamlEntries(content: string): ConfigEntry[] {
  // yargs takes a file's options without waiting for them, and few runs have a YAML file: loaded when one is there.
  const { isMap, isScalar, LineCounter, parseDocument }: typeof import('yaml') = createRequire(import.meta.url)('yaml')
  const lineCounter = new LineCounter()
  const lineOf = (offset: number): number => lineCounter.linePos(offset).line
  const document = parseDocument(content, { lineCounter, uniqueKeys: false, prettyErrors: false })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) {
    const reason = problem.code === 'MULTIPLE_DOCS' ? 'expected one document, found several' : problem.message
    throw new ConfigSyntaxError(`is not YAML: ${reason}`, lineOf(problem.pos[0]), problem)
  }
  const { contents } = document
  // Where every line is a comment, nothing is set.
  if (contents === null || (isScalar(contents) && contents.value === null)) return []
  if (!isMap(contents)) throw new ConfigSyntaxError('expected YAML of the form "option: value"')
  return contents.items.map(({ key, value }) => {
    const line = lineOf((key as { range?: [number, number, number] }).range?.[0] ?? 0)
    try {
      const js = (node: unknown): unknown => (node as { toJS(d: unknown): unknown } | null)?.toJS(document) ?? null
      return { key: String(js(key)), value: js(value), line }
    } catch (cause) {
      throw new ConfigSyntaxError(`is not YAML: ${messageOf(cause)}`, line, cause)
    }
  })
}
