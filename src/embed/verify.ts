import type { EmbeddingCache } from '../cache/cache.js'
import { AdapterTrainError } from '../errors.js'
import { dot, norm, row } from '../math/matrix.js'
import { createRandom, permutation } from '../math/random.js'
import { mean } from '../math/statistics/moments.js'
import type { EmbeddingProvider, Role } from '../providers/provider.js'
import { embedTexts } from './embed-texts.js'
import { lookUp } from './look-up.js'
import type { EmbedRunOptions } from './run-embedding.js'

/** Result of embedding cached texts again. */
export interface VerifyReport {
  readonly texts: number
  /** 1 - cosine of the old and the new vector: 0 for two vectors of zeros, 1 for one. */
  readonly largest: number
  readonly mean: number
}

/** Embeds some cached texts again and compares: has a model changed under its name? The cache stays as it is. */
export async function verifyCached(
  provider: EmbeddingProvider,
  texts: Readonly<Record<Role, readonly string[]>>,
  cache: EmbeddingCache,
  { count, seed, ...run }: EmbedRunOptions & { readonly count: number; readonly seed: number },
): Promise<VerifyReport> {
  const known: { readonly role: Role; readonly text: string; readonly vector: Float32Array }[] = []
  for (const role of ['query', 'document'] as const) {
    const distinct = [...new Set(texts[role])]
    await lookUp(distinct, { provider, role }, cache, (i, _hash, vector) => {
      if (vector) known.push({ role, text: distinct[i], vector })
    })
  }
  if (known.length === 0) {
    const problem = `expected texts that the cache has of ${provider.id}, found none. Embed them first`
    throw new AdapterTrainError('DATASET_INVALID', `verify: ${problem}`)
  }
  const drawn = Array.from(permutation(known.length, createRandom(seed)).slice(0, count), i => known[i])
  const differences: number[] = []
  for (const role of ['query', 'document'] as const) {
    const old = drawn.filter(one => one.role === role)
    if (old.length === 0) continue
    const again = old.map(({ text }) => text)
    const { vectors } = await embedTexts(provider, again, role, run)
    old.forEach(({ vector }, i) => {
      const now = row(vectors, i)
      if (now.length !== vector.length) {
        const found = `expected the ${vector.length} values that the cache has, found ${now.length}`
        throw new AdapterTrainError('VECTOR_INVALID', `${provider.id}: ${found}: the model has changed under its name`)
      }
      const [length, lengthNow] = [norm(vector), norm(now)]
      const isZero = length * lengthNow === 0
      differences.push(isZero ? Number(length !== lengthNow) : Math.max(0, 1 - dot(now, vector) / (length * lengthNow)))
    })
  }
  return { texts: differences.length, largest: differences.reduce((a, b) => Math.max(a, b)), mean: mean(differences) }
}
