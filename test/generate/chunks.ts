import { createHash } from 'node:crypto'
import type { Chunk } from '../../src/documents/chunk.js'

/** A chunk of this text. */
export function chunkOf(text: string, source: Partial<Chunk['source']> = {}): Chunk {
  const id = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { id, text, tokens: Math.ceil(text.length / 4), source: { file: 'a.md', ...source } }
}

/** Chunks that a fake model can tell apart: `chunk-0`, `chunk-1`, ... */
export function numberedChunks(count: number, file = (i: number) => `${i}.md`): Chunk[] {
  return Array.from({ length: count }, (_, i) =>
    chunkOf(`This is chunk-${i} of the manual: lever ${i} opens valve ${i * 7}.`, { file: file(i) }),
  )
}
