import { basename } from 'node:path'
import { messageOf, usageError } from '../../errors.js'
import { readNamedFile } from '../../files.js'
import { parseJsonText } from '../../json.js'
import { providerNames } from '../../providers/index.js'
import { kebab, nearest } from '../../words.js'
import { TOO_DEEP, tooDeepAt, withinStack } from '../yaml-depth.js'
import { checkProviderArgs, type ProviderArgs, providerOptions } from './provider-options.js'
import { camel, dir, file, name, type OptionTable, readValue } from './rows.js'

const CANDIDATE_BASES: readonly string[] = [...providerNames, 'vectors', 'adapter']

export interface CandidateSpec {
  readonly name: string
  /** `adapter`: the base that the adapter file names. */
  readonly base: string
  readonly vectors?: string
  readonly adapter?: string
  readonly options: Omit<ProviderArgs, 'base' | 'cache'>
}

export const CANDIDATE_FORM = '[NAME=]BASE[:MODEL][@DIMENSIONS][+ADAPTER], [NAME=]adapter:FILE or [NAME=]vectors:FOLDER[+ADAPTER]'

/** A name of any characters, such as `small+adapter=openai`: what follows the sign is a base. */
const NAMED = new RegExp(`^(.*?)=((?:${CANDIDATE_BASES.join('|')})(?:[:@+].*)?)$`, 's')

/** Reads a candidate such as `small=openai:text-embedding-3-small+adapters/x.json`; the first `+` begins the adapter. */
export function parseCandidate(text: string): CandidateSpec {
  const wrong = (problem: string, cause?: unknown) => usageError(`candidate "${text}": ${problem}`, { cause })
  const [, given, rest] = NAMED.exec(text) ?? /^(?:([^=:+@]*)=)?(.*)$/s.exec(text)!
  // A path such as `adapters/x.json` alone is an adapter too.
  const isPath = /\.json$/i.test(rest) && !CANDIDATE_BASES.includes(rest.split(/[:@+]/, 1)[0])
  const file = rest.startsWith('adapter:') ? rest.slice('adapter:'.length) : isPath ? rest : undefined
  if (given !== '' && file) return named({ name: given, base: 'adapter', adapter: file, options: {} })
  const plus = rest.indexOf('+')
  const adapter = plus < 0 ? undefined : rest.slice(plus + 1)
  const [, base, model] = /^([^:]*)(?::(.*))?$/s.exec(plus < 0 ? rest : rest.slice(0, plus))!
  if (given === '' || adapter === '' || model === '') throw wrong(`expected ${CANDIDATE_FORM}`)
  if (base === 'vectors') {
    if (model === undefined) throw wrong('expected a folder, vectors:FOLDER')
    return named({ name: given, base, vectors: model, adapter, options: {} })
  }
  const [, bare, digits] = /^(.*?)(?:@([1-9]\d*))?$/s.exec(model ?? base)!
  const dimensions = digits === undefined ? undefined : Number(digits)
  const spec = model === undefined ? { base: bare } : { base, model: bare }
  if (spec.base === 'adapter') throw wrong('expected a file, adapter:FILE')
  try {
    return checked({ name: given, base: spec.base, adapter, options: { model: spec.model, dimensions } })
  } catch (error) {
    throw wrong(messageOf(error), error)
  }
}

/** Names a candidate whose base is known and reads its options. @throws USAGE */
function checked(spec: Parameters<typeof named>[0]): CandidateSpec {
  const { base, options } = spec
  if (!CANDIDATE_BASES.includes(base)) {
    const near = nearest(base, CANDIDATE_BASES)
    const expected = `${CANDIDATE_BASES.join(', ')}${near ? ` (did you mean ${near}?)` : ''}`
    throw usageError(`there is no base "${base}"; expected one of ${expected}, as ${CANDIDATE_FORM}`)
  }
  checkProviderArgs(base, { ...options, cache: 'none' })
  return named(spec)
}

/** Gives a candidate without a name one: base, last part of the model, dimensions and last part of the adapter. */
export function named({ name, ...spec }: Omit<CandidateSpec, 'name'> & { readonly name?: string }): CandidateSpec {
  const { base, vectors, adapter, options } = spec
  const model = options.model ?? vectors
  const own = [
    ...(base === 'adapter' ? [] : [base]),
    ...(model === undefined ? [] : [`:${basename(model)}`]),
    ...(options.dimensions === undefined ? [] : [`@${options.dimensions}`]),
    ...(adapter === undefined ? [] : [`+${basename(adapter).replace(/\.json$/, '')}`]),
  ]
  return { name: name ?? own.join('').replace(/^\+/, ''), ...spec }
}

/** @throws USAGE when two candidates have one name */
export function checkNames(specs: readonly CandidateSpec[]): void {
  const twice = specs.find(({ name }, i) => specs.findIndex(other => other.name === name) < i)
  if (twice === undefined) return
  throw usageError(
    `two candidates are named "${twice.name}"; drop one, or give it a name of its own: NAME= in front of it, or "name" in a file of candidates`,
  )
}

const { base: _base, cache: _cache, retries: _retries, 'skip-refused': _skip, ...ownOptions } = providerOptions
/** Keys of an entry: name, base, adapter, folder of vectors, and the options of its provider. */
const KEYS: OptionTable = { name: name(''), base: name(''), adapter: file(''), vectors: dir(''), ...ownOptions }

/**
 * Reads a YAML or JSON file of candidates: a list, or an object with such a list as `candidates`. An entry is written as on the
 * command line, or is an object with a base and the provider's options by their names there.
 */
export async function readCandidatesFile(path: string): Promise<CandidateSpec[]> {
  const wrong = (problem: string, cause?: unknown) => usageError(`--candidates ${path}: ${problem}`, { cause })
  const content = await parse(path, readNamedFile(path, '--candidates'), wrong)
  const list = isObject(content) && Object.keys(content).join() === 'candidates' ? content.candidates : content
  if (!Array.isArray(list) || list.length === 0)
    throw wrong(`expected a list of candidates, or "candidates" with one; found ${kindOf(list)}`)
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
    if (isJson) return parseJsonText(content)
    if (tooDeepAt(content) !== undefined) throw new Error(TOO_DEEP)
    const { parse: parseYaml } = await import('yaml')
    return withinStack(() => parseYaml(content, { logLevel: 'error' })) as unknown
  } catch (cause) {
    // What follows the first line shows the text itself.
    throw wrong(`is not ${isJson ? 'JSON' : 'YAML'}: ${messageOf(cause).split('\n')[0].replace(/:$/, '')}`, cause)
  }
}

function parseEntry(entry: unknown): CandidateSpec {
  if (!isObject(entry)) throw usageError('expected a text or an object with a "base"')
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(entry)) {
    const option = kebab(key)
    if (!Object.hasOwn(KEYS, option)) throw usageError(unknownKey(key))
    if (Object.hasOwn(values, camel(option))) throw usageError(`"${key}" is given twice; drop one`)
    values[camel(option)] = readValue(`"${option}"`, KEYS[option], value)
  }
  const { name, vectors, adapter, base: given, ...options } = values as Partial<CandidateSpec> & CandidateSpec['options']
  const base = given ?? (vectors !== undefined ? 'vectors' : adapter !== undefined ? 'adapter' : undefined)
  if (base === undefined) throw usageError('has no "base"')
  const spec = checked({ name, base, vectors, adapter, options })
  if (base === 'vectors' && vectors === undefined) throw usageError('base vectors needs "vectors", a folder')
  if (base !== 'vectors' && vectors !== undefined) throw usageError('"vectors" goes with base vectors')
  if (base === 'adapter' && adapter === undefined) throw usageError('base adapter needs "adapter", a file')
  return spec
}

function unknownKey(key: string): string {
  if (/^api[-_]?key$/i.test(key)) return `"${key}" has no place in a file; keys come from the environment`
  const near = nearest(kebab(key), Object.keys(KEYS))
  return `unknown key "${key}"${near ? ` (did you mean "${near}"?)` : `; expected ${Object.keys(KEYS).join(', ')}`}`
}

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
