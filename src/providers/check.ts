import { AdapterTrainError, usageError } from '../errors.js'
import type { ProviderOptions, Role } from './provider.js'

export interface KnownModel {
  readonly dimensions: number
  /** Lengths it can shorten them to; default its own alone. */
  readonly choices?: readonly number[] | 'shorter'
  readonly price?: number
  /** Most texts per request, if they are fewer than the service's. */
  readonly maxInputs?: number
  /** Fields that tell a query from a document, instead of the service's. */
  readonly roles?: Readonly<Record<Role, object>>
}

export function checkDimensions(provider: string, model: string, known?: KnownModel, dimensions?: number): void {
  if (!known || dimensions === undefined || dimensions === known.dimensions) return
  const { choices } = known
  if (choices === 'shorter' ? dimensions < known.dimensions : choices?.includes(dimensions)) return
  const expected =
    choices === 'shorter'
      ? `at most ${known.dimensions}`
      : choices
        ? `one of ${choices.join(', ')}`
        : `${known.dimensions}, which cannot be shortened`
  throw usageError(`${provider}: dimensions of ${model}: expected ${expected}, found ${dimensions}`)
}

/** Fields of a request that have an option of their own, or a place of their own. */
const OWN_FIELDS = /^(model|input|inputs|texts?|requests|instances|dimensions|encoding_format)$/
/** Fields that would put a secret into the base id and the adapter file. */
const SECRET_FIELDS = /^(authorization|password|secret|(api[-_]?)?key|(access[-_]?)?token)$/i
const COUNTS = ['dimensions', 'timeoutMs', 'maxInputTokens', 'maxInputs', 'concurrency'] as const

export function checkOptions(provider: string, options: ProviderOptions): void {
  const check = (name: string, value: number | undefined, sound: boolean, expected: string): void => {
    if (value === undefined || sound) return
    throw usageError(`${provider}: expected "${name}" to be ${expected}, found ${value}`)
  }
  for (const name of COUNTS) {
    const value = options[name]
    check(name, value, Number.isSafeInteger(value) && value! > 0, 'a positive integer')
  }
  const { price } = options
  check('price', price, Number.isFinite(price) && price! >= 0, 'US dollars per million tokens, at least 0')
  for (const option of ['queryParams', 'documentParams'] as const) {
    for (const name of Object.keys(options[option] ?? {})) {
      const why = SECRET_FIELDS.test(name)
        ? 'would be recorded in the adapter file. Keys come from the environment'
        : OWN_FIELDS.test(name) && 'is set by other options'
      if (why) throw usageError(`${provider}: "${option}": the field "${name}" ${why}`)
    }
  }
}

/** An answer of which some vectors cannot be used; the others are paid for, and can be kept. */
export class PartialAnswer extends AdapterTrainError {
  /** In the order of the texts; `undefined` for those in `problems`. */
  readonly vectors: readonly (Float32Array | undefined)[]
  /** What is wrong, by the text's index. */
  readonly problems: ReadonlyMap<number, string>
  /** Length of a vector, if all are of another than expected: the model may be at fault, not the texts. */
  readonly otherLength: number | undefined

  constructor(
    message: string,
    { vectors, problems, otherLength }: Pick<PartialAnswer, 'vectors' | 'problems'> & { readonly otherLength?: number },
  ) {
    super('PROVIDER_RESPONSE', message)
    this.vectors = vectors
    this.problems = problems
    this.otherLength = otherLength
  }
}

/** Makes a reader of answers, which learns the length of a vector where none is stated. */
export function vectorReader(stated: number | undefined, name: string) {
  let dimensions = stated
  return {
    get dimensions() {
      return dimensions
    },
    /** @param known length that the caller knows of */
    read(answer: unknown, count: number, known = dimensions): Float32Array[] {
      try {
        const vectors = readVectorsOf(answer, count, stated ?? known, name)
        dimensions = vectors[0].length
        return vectors
      } catch (error) {
        // Whether this answer is at fault or an earlier one was is not known.
        if (error instanceof PartialAnswer && error.otherLength !== undefined) dimensions = stated
        throw error
      }
    },
  }
}

/**
 * Reads the vectors of an answer: one per text, all finite and of one length.
 * @param dimensions length of a vector, if known; else the commonest of the answer
 */
function readVectorsOf(answer: unknown, count: number, dimensions: number | undefined, name: string): Float32Array[] {
  const fail = (message: string): never => {
    throw new AdapterTrainError('PROVIDER_RESPONSE', `${name}: ${message}`)
  }
  if (!Array.isArray(answer)) return fail(`expected a list of ${count} vectors, found ${typeof answer}`)
  if (answer.length !== count) return fail(`expected ${count} vectors, one per text, found ${answer.length}`)
  const length = dimensions ?? commonest(answer.map(values => lengthOf(values)).filter(length => length > 0))
  const wrongLengths = answer.filter(values => lengthOf(values) > 0 && lengthOf(values) !== length).length
  const why = dimensions === undefined ? '' : '. A server may ignore the option dimensions, or serve another model'
  const problems = new Map<number, string>()
  const vectors = answer.map((values: unknown, i) => {
    const found = lengthOf(values)
    if (found === 0) problems.set(i, 'its vector is empty or not a list of numbers')
    else if (found !== length) problems.set(i, `its vector has a wrong length; expected ${length} values, found ${found}${why}`)
    if (problems.has(i)) return undefined
    const vector = new Float32Array(found)
    for (let j = 0; j < found; j++) {
      const value = (values as ArrayLike<unknown>)[j]
      // Servers write NaN as null, which a typed array would take for 0.
      vector[j] = typeof value === 'number' ? value : Number.NaN
      if (Number.isFinite(vector[j])) continue
      problems.set(i, `value ${j + 1} of its vector is not finite`)
      return undefined
    }
    return vector
  })
  if (problems.size === 0) return vectors as Float32Array[]
  const [first, problem] = [...problems][0]
  const message = problem.replace('its vector', `the vector of text ${first + 1} of ${count}`)
  const otherLength = wrongLengths === count ? lengthOf(answer[0]) : undefined
  throw new PartialAnswer(`${name}: ${message}`, { vectors, problems, otherLength })
}

function lengthOf(values: unknown): number {
  return Array.isArray(values) || values instanceof Float32Array ? values.length : 0
}

function commonest(lengths: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1)
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best), [0, 0])[0]
}
