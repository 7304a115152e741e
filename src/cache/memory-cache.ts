import { checkEntries, type EmbeddingCache } from './cache.js'

/** Makes an {@link EmbeddingCache} in memory, without a file. */
export function memoryCache(): EmbeddingCache {
  const spaces = new Map<string, { dimensions: number; vectors: Map<string, Float32Array> }>()
  const keyOf = (textHash: Uint8Array): string =>
    Buffer.from(textHash.buffer, textHash.byteOffset, textHash.byteLength).toString('latin1')
  return {
    get(space, textHashes) {
      const vectors = spaces.get(space)?.vectors
      return textHashes.map(textHash => vectors?.get(keyOf(textHash))?.slice())
    },
    dimensions: space => spaces.get(space)?.dimensions,
    set(space, entries) {
      if (entries.length === 0) return
      const known = spaces.get(space)
      const dimensions = checkEntries(space, known?.dimensions, entries)
      const vectors = known?.vectors ?? new Map<string, Float32Array>()
      if (known === undefined) spaces.set(space, { dimensions, vectors })
      for (const { textHash, vector } of entries) {
        const key = keyOf(textHash)
        if (!vectors.has(key)) vectors.set(key, vector.slice())
      }
    },
    close() {
      spaces.clear()
    },
  }
}
