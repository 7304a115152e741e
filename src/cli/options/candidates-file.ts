import { AdapterTrainError, messageOf } from '../../errors.js'
import { kebab } from '../../kebab.js'
import { nearest } from '../../nearest.js'
import { readNamedFile } from '../../read-named-file.js'
import { baseProblem, type CandidateSpec, named, parseCandidate } from './candidate-spec.js'
import { text } from './checks.js'
import { checkProviderArgs, providerOptions } from './provider-options.js'

const { base: _base, cache: _cache, retries: _retries, ...ownOptions } = providerOptions

/** What an entry may have: name, base, adapter, folder of vectors, and the options of its provider. */
const KEYS: Readonly<Record<string, Option>> = {
  ...Object.fromEntries(
    ['name', 'base', 'adapter', 'vectors'].map(key => [key, { type: 'string', coerce: text(key) } as const]),
  ),
  ...ownOptions,
}

interface Option {
  readonly type?: 'string' | 'number' | 'boolean'
  readonly choices?: readonly string[]
  readonly coerce?: (value: never) => unknown
}

/**
 * Reads a YAML or JSON file of candidates: a list, or an object with such a list as `candidates`. An entry is written as on the
 * command line, or is an object with a base and the provider's options by their names there.
 *
 * @throws FILE_NOT_FOUND, FILE_READ when it cannot be read
 * @throws USAGE when it is neither YAML nor JSON, or an entry has an unknown key, base or a wrong value
 */
export async function readCandidatesFile(path: string): Promise<CandidateSpec[]> {
  const wrong = (problem: string, cause?: unknown) =>
    new AdapterTrainError('USAGE', `--candidates ${path}: ${problem}`, { cause })
  const content = await parse(path, readNamedFile(path, '--candidates'), wrong)
  const list = isObject(content) && Object.keys(content).join() === 'candidates' ? content.candidates : content
  if (!Array.isArray(list) || list.length === 0) {
    throw wrong(`expected a list of candidates, or "candidates" with one; found ${kindOf(list)}`)
  }
  return list.map((entry, i) => {
    try {
      return typeof entry === 'string' ? parseCandidate(entry) : parseEntry(entry)
    } catch (error) {
      throw wrong(`entry ${i + 1}: ${messageOf(error).replace(/^--/, '')}`, error)
    }
  })
}

async function parse(path: string, content: string, wrong: (problem: string, cause: unknown) => Error) {
  const isJson = /\.json$/i.test(path)
  try {
    if (isJson) return JSON.parse(content) as unknown
    const { parse: parseYaml } = await import('yaml')
    return parseYaml(content, { logLevel: 'error' }) as unknown
  } catch (cause) {
    // What follows the first line shows the text itself.
    throw wrong(`is not ${isJson ? 'JSON' : 'YAML'}: ${messageOf(cause).split('\n')[0].replace(/:$/, '')}`, cause)
  }
}

function parseEntry(entry: unknown): CandidateSpec {
  const wrong = (problem: string) => new AdapterTrainError('USAGE', problem)
  if (!isObject(entry)) throw wrong('expected a text or an object with a "base"')
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(entry)) {
    const name = kebab(key)
    if (!Object.hasOwn(KEYS, name)) throw wrong(unknownKey(key))
    const property = name.replace(/-./g, ([, letter]) => letter.toUpperCase())
    if (Object.hasOwn(values, property)) throw wrong(`"${key}" is given twice; drop one`)
    values[property] = checkValue(name, value)
  }
  const {
    name,
    base: given,
    vectors,
    adapter,
    ...options
  } = values as Partial<CandidateSpec> & CandidateSpec['options']
  const base = given ?? (vectors === undefined ? undefined : 'vectors')
  if (base === undefined) throw wrong('has no "base"')
  const problem = baseProblem(base)
  if (problem) throw wrong(problem)
  if ((base === 'vectors') !== (vectors !== undefined)) {
    throw wrong(vectors === undefined ? 'base vectors needs "vectors", a folder' : '"vectors" goes with base vectors')
  }
  checkProviderArgs(base, { ...options, cache: 'none' })
  return named({ name, base, vectors, adapter, options })
}

function checkValue(name: string, value: unknown): unknown {
  const { type = 'string', choices, coerce } = KEYS[name]
  const wrong = (expected: string) =>
    new AdapterTrainError('USAGE', `"${name}" must be ${expected}, found ${JSON.stringify(value)}`)
  if (choices && !choices.includes(value as string)) throw wrong(`one of ${choices.join(', ')}`)
  if (typeof value !== type) throw wrong({ string: 'a text', number: 'a number', boolean: 'true or false' }[type])
  return coerce ? coerce(value as never) : value
}

function unknownKey(key: string): string {
  if (/^api[-_]?key$/i.test(key)) return `"${key}" has no place in a file; keys come from the environment`
  const near = nearest(kebab(key), Object.keys(KEYS))
  return `unknown key "${key}"${near ? ` (did you mean "${near}"?)` : `; expected ${Object.keys(KEYS).join(', ')}`}`
}

/** What stands in the place of the list, in words. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an empty list'
  if (!isObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value)
  const near = keys.some(key => nearest(key, ['candidates'])) && !keys.includes('candidates')
  return `an object with ${keys.map(key => `"${key}"`).join(', ') || 'nothing in it'}${near ? ' (did you mean "candidates"?)' : ''}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
