import { hash } from 'node:crypto'
import { type EmbeddingCache, hashText } from '../cache/cache.js'
import { usageError } from '../errors.js'
import { normalizeInPlace } from '../math/matrix.js'
import { type Projection, project } from '../math/projection.js'
import { PartialAnswer } from './check.js'
import type { EmbeddingProvider, ProviderFactory, ProviderFacts, ProviderOptions, Role } from './provider.js'

/** Provider of several models, whose vectors stand side by side. */
export interface ComposedProvider extends EmbeddingProvider {
  readonly parts: readonly EmbeddingProvider[]
  /** Projection of the vectors, if they are reduced. */
  readonly pca?: Projection
  /** Makes a view of a cache that holds the vectors of the parts, which {@link EmbedOptions.cache} fills. */
  cacheOf(cache: EmbeddingCache): EmbeddingCache
}

/** Options of a composed provider. */
export interface ComposeOptions {
  /** Projection that reduces the vectors: of `fitPca`, or of an adapter file, `adapter.base.provider.pca`. */
  readonly pca?: Projection
  /** Facts that open it again. */
  readonly facts?: ProviderFacts
}

/**
 * Joins models into one: the vector of a text is that of each part, at unit length, one after the other. Documents are this plain
 * concatenation, so that an index is made once; weights act on the query side (`train` fits them into W). With `pca` it is the
 * projection of that; documents then have unit length.
 * @param parts two or more; closed with the composed provider
 * @throws USAGE if there are fewer, or two are the same, or a projection is not of their dimensions
 */
export function composeProviders(parts: readonly EmbeddingProvider[], { pca, facts }: ComposeOptions = {}): ComposedProvider {
  const ids = parts.map(({ id }) => id)
  if (parts.length < 2 || new Set(ids).size < ids.length) {
    const found = ids.length === 0 ? 'none' : ids.join(', ')
    throw usageError(`compose: expected two or more different models, found ${found}`)
  }
  const least = (limit: (part: EmbeddingProvider) => number | undefined): number | undefined => {
    const known = parts.map(limit).filter(value => value !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
  }
  const sum = (values: readonly (number | undefined)[]): number | undefined =>
    values.includes(undefined) ? undefined : values.reduce((total: number, value) => total + value!, 0)
  const reduced = pca ? `@${pca.shape[0]}?pca=${fingerprint(pca)}` : ''
  // Its `cacheOf` tells the roles apart by their keys, whatever the parts do.
  const cacheKey = (role: Role): string =>
    `compose${reduced}${pca ? ` ${role}` : ''} ${parts.map(part => part.cacheKey(role)).join(' + ')}`
  const wholeLength = () => sum(parts.map(({ dimensions }) => dimensions))
  if (pca) checkLength(ids, pca, wholeLength())
  const vectorOf = (columns: readonly Float32Array[], role: Role): Float32Array => {
    const whole = join(columns)
    if (!pca) return whole
    checkLength(ids, pca, whole.length)
    const vector = project(pca, whole)
    return role === 'document' ? normalizeInPlace(vector) : vector
  }
  return {
    parts,
    pca,
    id: `compose/${ids.join('+')}${reduced}`,
    get dimensions() {
      return pca ? pca.shape[0] : wholeLength()
    },
    limits: {
      maxInputs: least(({ limits }) => limits.maxInputs)!,
      maxConcurrency: least(({ limits }) => limits.maxConcurrency)!,
      maxInputTokens: least(({ limits }) => limits.maxInputTokens),
      maxRequestTokens: least(({ limits }) => limits.maxRequestTokens),
    },
    // Of the tokens of all parts, where they cost the same.
    price: parts.every(({ price }) => price === parts[0].price) ? parts[0].price : undefined,
    isLocal: parts.every(({ isLocal }) => isLocal) || undefined,
    facts: pca ? { name: 'custom', ...facts, pca } : facts,
    cacheKey,
    countTokens: text => parts.reduce((sum, part) => sum + part.countTokens(text), 0),
    async embed(texts, role, { cache, dimensions: _, ...options } = {}) {
      const hashes = texts.map(hashText)
      const partial: PartialAnswer[] = []
      const problems = new Map<number, string>()
      // After an error the others are awaited and stored, since they are paid for.
      const settled = await Promise.allSettled(
        parts.map(async part => {
          const space = part.cacheKey(role)
          const vectors = cache?.get(space, hashes) ?? texts.map(() => undefined)
          const missing = texts.flatMap((_, i) => (vectors[i] ? [] : [i]))
          if (missing.length === 0) return vectors
          const keep = (found: readonly (Float32Array | undefined)[]): void => {
            const sound = missing.flatMap((i, at) => (found[at] ? [{ textHash: hashes[i], vector: found[at] }] : []))
            cache?.set(space, sound)
            for (const [at, i] of missing.entries()) vectors[i] = found[at]
          }
          try {
            const wanted = missing.map(i => texts[i])
            keep(await part.embed(wanted, role, { ...options, dimensions: cache?.dimensions?.(space) }))
          } catch (error) {
            if (!(error instanceof PartialAnswer)) throw error
            keep(error.vectors)
            partial.push(error)
            for (const [at, problem] of error.problems) problems.set(missing[at], problem)
          }
          return vectors
        }),
      )
      const columns = settled.map(answer => {
        if (answer.status === 'rejected') throw answer.reason
        return answer.value
      })
      const partsOf = (i: number) => columns.map(column => column[i]!)
      const vectors = texts.map((_, i) => (problems.has(i) ? undefined : vectorOf(partsOf(i), role)))
      if (partial.length > 0) throw new PartialAnswer(partial[0].message, { ...partial[0], vectors, problems })
      return vectors as Float32Array[]
    },
    async close() {
      for (const part of parts) await part.close?.()
    },
    cacheOf(given) {
      return {
        get(space, hashes) {
          const role = space === cacheKey('query') ? 'query' : 'document'
          const columns = parts.map(part => given.get(part.cacheKey(role), hashes))
          return hashes.map((_, i) => {
            const vectors = columns.map(column => column[i])
            return vectors.every(vector => vector !== undefined) ? vectorOf(vectors as Float32Array[], role) : undefined
          })
        },
        // The parts have been stored by `embed`.
        set() {},
        close: () => given.close(),
      }
    },
  }
}

/** Scales every part to length 1, and puts them one after the other. */
function join(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    normalizeInPlace(out.subarray(at, at + part.length))
    at += part.length
  }
  return out
}

/** The first hexadecimal digits of SHA-256 over the values. */
const fingerprint = ({ data }: Projection): string => hash('sha256', Buffer.from(data, 'base64')).slice(0, 8)

function checkLength(ids: readonly string[], { shape }: Projection, found: number | undefined): void {
  if (found === undefined || shape[1] === found) return
  const problem = `expected a projection of ${found} dimensions, found one of ${shape[1]}`
  throw usageError(`compose/${ids.join('+')}: ${problem}. Use the adapter of these models`)
}

/** True for a provider whose vectors are those of several models. */
export function isComposed(provider: object): provider is ComposedProvider {
  return 'parts' in provider && 'cacheOf' in provider
}

/**
 * Makes the provider of `--base compose`. `load`: finds the provider of a part. An `apiKey` goes to parts of one service that takes
 * keys; `create` throws USAGE where there are more, since an adapter file names the parts, and a key is for one service.
 */
export function composeFactory(load: (name: string) => Promise<ProviderFactory>): ProviderFactory {
  return {
    name: 'compose',
    description: 'Two or more of the other models side by side in one vector (--part)',
    keyVariables: [],
    async create({ part: parts = [], pca, apiKey, timeoutMs }) {
      const made: EmbeddingProvider[] = []
      try {
        const parsed = parts.map(parsePart)
        const factories = await Promise.all(parsed.map(({ name }) => load(name)))
        const services = new Map(factories.filter(takesKey).map(({ name, keyVariables }) => [name, keyVariables.join(' or ')]))
        // The command line gives "none" for an estimate, which sends nothing.
        if (apiKey !== undefined && apiKey !== 'none' && services.size > 1) {
          const found = `expected no apiKey for parts of several services, found one for ${[...services.keys()].join(' and ')}`
          throw usageError(`compose: ${found}. Set ${[...services.values()].join(' and ')} in the environment`)
        }
        for (const [i, { name: _, ...options }] of parsed.entries()) {
          const key = takesKey(factories[i]) ? apiKey : undefined
          made.push(await factories[i].create({ ...options, apiKey: key, timeoutMs }))
        }
        return composeProviders(made, { pca, facts: { name: 'compose', part: parts } })
      } catch (error) {
        for (const provider of made) await provider.close?.()
        throw error
      }
    },
  }
}

const takesKey = ({ keyVariables }: ProviderFactory): boolean => keyVariables.length > 0

/** `sbert:./model?dtype=q8` -> its name, model and options. @throws USAGE */
function parsePart(part: string): ProviderOptions & { readonly name: string } {
  const [, name, model, query = ''] = /^([a-z][a-z-]*)(?::([^?]+))?(?:\?(.*))?$/s.exec(part) ?? []
  const given = Object.fromEntries(new URLSearchParams(query))
  const { dimensions, dtype, pooling, queryPrefix, documentPrefix, revision, ...others } = given
  if (name === undefined || name === 'compose' || Object.keys(others).length > 0) {
    const expected = 'expected PROVIDER:MODEL, such as openai:text-embedding-3-small or sbert:./model?dtype=q8'
    throw usageError(`--part: ${expected}, found "${part}"`)
  }
  const known = { dtype, queryPrefix, documentPrefix, revision, pooling: pooling as ProviderOptions['pooling'] }
  return { name, model, ...known, ...(dimensions !== undefined && { dimensions: Number(dimensions) }) }
}
