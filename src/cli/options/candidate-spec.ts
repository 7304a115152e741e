import { basename } from 'node:path'
import { AdapterTrainError, messageOf } from '../../errors.js'
import { nearest } from '../../nearest.js'
import { providerNames } from '../../providers/index.js'
import { checkProviderArgs, type ProviderArgs } from './provider-options.js'

/** What a candidate of a comparison may be based on. */
const CANDIDATE_BASES: readonly string[] = [...providerNames, 'vectors']

/** A candidate as it was asked for. */
export interface CandidateSpec {
  readonly name: string
  readonly base: string
  /** Folder of vectors, with base `vectors`. */
  readonly vectors?: string
  /** Path of the adapter file. */
  readonly adapter?: string
  readonly options: Omit<ProviderArgs, 'base' | 'cache'>
}

/** How a candidate is written, for messages and help. */
export const CANDIDATE_FORM = '[NAME=]BASE[:MODEL][@DIMENSIONS][+ADAPTER] or [NAME=]vectors:FOLDER[+ADAPTER]'

/** A name of any characters, such as `small+adapter=openai`: what follows the sign is a base. */
const NAMED = new RegExp(`^(.*?)=((?:${CANDIDATE_BASES.join('|')})(?:[:@+].*)?)$`, 's')

/**
 * Reads a candidate such as `hashing@256`, `small=openai:text-embedding-3-small+adapters/x.json` or `vectors:folder`.
 *
 * The first `+` begins the adapter; what the form has no room for goes into a file of candidates.
 *
 * @throws USAGE when it has another form, or the base is not known
 */
export function parseCandidate(text: string): CandidateSpec {
  const wrong = (problem: string, cause?: unknown) =>
    new AdapterTrainError('USAGE', `candidate "${text}": ${problem}`, { cause })
  const [, given, rest] = NAMED.exec(text) ?? /^(?:([^=:+@]*)=)?(.*)$/s.exec(text)!
  const plus = rest.indexOf('+')
  const adapter = plus < 0 ? undefined : rest.slice(plus + 1)
  const [base, model] = splitAt(plus < 0 ? rest : rest.slice(0, plus), ':')
  if (given === '' || adapter === '' || model === '') throw wrong(`expected ${CANDIDATE_FORM}`)
  if (base === 'vectors') {
    if (model === undefined) throw wrong('expected a folder, vectors:FOLDER')
    return named({ name: given, base, vectors: model, adapter, options: {} })
  }
  const [, bare, digits] = /^(.*?)(?:@([1-9]\d*))?$/s.exec(model ?? base)!
  const dimensions = digits === undefined ? undefined : Number(digits)
  const spec = model === undefined ? { base: bare } : { base, model: bare }
  const problem = baseProblem(spec.base)
  if (problem) throw wrong(problem)
  const options = { model: spec.model, dimensions }
  try {
    checkProviderArgs(spec.base, { ...options, cache: 'none' })
  } catch (error) {
    throw wrong(messageOf(error), error)
  }
  return named({ name: given, base: spec.base, adapter, options })
}

/** What is wrong with the name of a base; `undefined` where there is one of that name. */
export function baseProblem(base: string): string | undefined {
  if (CANDIDATE_BASES.includes(base)) return undefined
  const near = nearest(base, CANDIDATE_BASES)
  const meant = near ? ` (did you mean ${near}?)` : ''
  return `there is no base "${base}"; expected one of ${CANDIDATE_BASES.join(', ')}${meant}, as ${CANDIDATE_FORM}`
}

/** Gives a candidate without a name one: base, last part of the model, dimensions and last part of the adapter. */
export function named({ name, ...spec }: Omit<CandidateSpec, 'name'> & { readonly name?: string }): CandidateSpec {
  const { base, vectors, adapter, options } = spec
  const model = options.model ?? vectors
  const own = [
    base,
    ...(model === undefined ? [] : [`:${basename(model)}`]),
    ...(options.dimensions === undefined ? [] : [`@${options.dimensions}`]),
    ...(adapter === undefined ? [] : [`+${basename(adapter).replace(/\.json$/, '')}`]),
  ]
  return { name: name ?? own.join(''), ...spec }
}

/** @throws USAGE when two candidates have one name */
export function checkNames(specs: readonly CandidateSpec[]): void {
  const twice = specs.find(({ name }, i) => specs.findIndex(other => other.name === name) < i)
  if (twice === undefined) return
  throw new AdapterTrainError(
    'USAGE',
    `two candidates are named "${twice.name}"; drop one, or give it a name of its own: NAME= in front of it, or "name" in a file of candidates`,
  )
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
