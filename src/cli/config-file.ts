import { createRequire } from 'node:module'
import { JsonCursor, JsonSyntaxError } from '../dataset/json-cursor.js'
import { type AdapterTrainError, messageOf, usageError } from '../errors.js'
import { readNamedFile } from '../files.js'
import { isOwnCode } from '../providers/index.js'
import { kebab, nearest } from '../words.js'
import { describe, type OptionTable, typeProblem } from './options/rows.js'
import { TOO_DEEP, tooDeepAt, withinStack } from './yaml-depth.js'

type Values = Record<string, unknown>

/** Reads the file of `--config`, JSON or YAML by its ending; keys are option names, also in camel case. */
export function readConfigFile(path: string, command: string, commands: Readonly<Record<string, OptionTable>>): Values {
  const options = commands[command]
  const values: Values = {}
  for (const { key, value, line } of entriesOf(path)) {
    const name = optionFor(key, options)
    if (name === undefined) throw wrong(path, line, unknownKey(key, command, commands))
    if (Object.hasOwn(values, name)) throw wrong(path, line, `"${key}" gives --${name} a second time; drop one`)
    const expected = typeProblem(value, options[name])
    if (expected) throw wrong(path, line, `"${key}" must be ${expected}, found ${describe(value)}`)
    // A file that somebody else has written must not run code.
    if (name === 'base' && isOwnCode(String(value)))
      throw wrong(path, line, '"base" names code, which is only taken from the command line: give --base there')
    values[name] = value
  }
  return values
}

function wrong(path: string, line: number | undefined, problem: string, cause?: unknown): AdapterTrainError {
  const place = line === undefined ? path : `${path}:${line}`
  return usageError(`--config ${place}: ${problem}`, { cause, details: { file: path, line } })
}

function optionFor(key: string, options: OptionTable): string | undefined {
  const name = kebab(key)
  if (Object.hasOwn(options, name)) return name
  return Object.keys(options).find(known => [options[known].alias ?? []].flat().includes(key))
}

function unknownKey(key: string, command: string, commands: Readonly<Record<string, OptionTable>>): string {
  if (key === 'config') return 'a config file cannot name another one'
  const elsewhere = Object.keys(commands).filter(other => optionFor(key, commands[other]) !== undefined)
  if (elsewhere.length > 0) return `"${key}" is an option of ${elsewhere.join(' and ')}, not of ${command}`
  const near = nearest(kebab(key), Object.keys(commands[command]))
  return `unknown option "${key}"${near ? ` (did you mean "${near}"?)` : ''}`
}

interface ConfigEntry {
  readonly key: string
  readonly value: unknown
  /** 1-based line of the key. */
  readonly line: number
}

type Fail = (problem: string, line?: number, cause?: unknown) => AdapterTrainError

/** Lists the keys of a config file in order, duplicates included. */
function entriesOf(path: string): readonly ConfigEntry[] {
  const fail: Fail = (problem, line, cause) => wrong(path, line, problem, cause)
  const content = readNamedFile(path, '--config')
  return /\.ya?ml$/i.test(path) ? yamlEntries(content, fail) : jsonEntries(content, fail)
}

function jsonEntries(content: string, fail: Fail): ConfigEntry[] {
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
    throw fail(`is not JSON: ${cause.message}`, lineOf(cause.offset), cause)
  }
  throw fail('expected a JSON object whose keys are option names')
}

function yamlEntries(content: string, fail: Fail): ConfigEntry[] {
  // Few runs have a YAML file: the parser is loaded when there is one.
  const { isAlias, isMap, isScalar, isSeq, visit, LineCounter, parseDocument }: typeof import('yaml') = createRequire(
    import.meta.url,
  )('yaml')
  const deep = tooDeepAt(content)
  if (deep !== undefined) throw fail(`is not read: ${TOO_DEEP}`, deep)
  const lineCounter = new LineCounter()
  const lineOf = (offset: number): number => lineCounter.linePos(offset).line
  const document = withinStack(
    () => parseDocument(content, { lineCounter, uniqueKeys: false, prettyErrors: false }),
    fail(`is not read: ${TOO_DEEP}`),
  )
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) {
    const reason = problem.code === 'MULTIPLE_DOCS' ? 'expected one document, found several' : problem.message
    throw fail(`is not YAML: ${reason}`, lineOf(problem.pos[0]), problem)
  }
  const { contents } = document
  visit(document, {
    Pair(_, { key }) {
      // Such a key would be written out as a text, again for each level that it holds.
      if (isMap(key) || isSeq(key) || isAlias(key)) throw fail('expected texts as keys, found a list or a map')
    },
  })
  // A file of comments sets nothing.
  if (contents === null || (isScalar(contents) && contents.value === null)) return []
  if (!isMap(contents)) throw fail('expected YAML of the form "option: value"')
  return contents.items.map(({ key, value }) => {
    const line = lineOf((key as { range?: [number, number, number] }).range?.[0] ?? 0)
    try {
      const js = (node: unknown): unknown => (node as { toJS(d: unknown): unknown } | null)?.toJS(document) ?? null
      return { key: String(js(key)), value: js(value), line }
    } catch (cause) {
      throw fail(`is not YAML: ${messageOf(cause)}`, line, cause)
    }
  })
}
