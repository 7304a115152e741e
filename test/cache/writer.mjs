// Run beside the compiled sources by sqlite-cache.test.ts.
// A process that writes to a cache file: node writer.mjs FILE FROM TO ['kill']
// Stores the vectors [i, i] of the texts "i" for FROM <= i < TO, three at a time, and prints "done".
import { createHash } from 'node:crypto'
import { openCache } from './src/cache/sqlite-cache.js'

const [file, from, to, then] = process.argv.slice(2)
const cache = await openCache(file)
for (let i = Number(from); i < Number(to); i += 3) {
  const entries = [i, i + 1, i + 2].filter(n => n < Number(to))
  cache.set(
    'space',
    entries.map(n => ({ textHash: createHash('sha256').update(`${n}`).digest(), vector: Float32Array.of(n, n) })),
  )
}
if (then === 'kill') process.kill(process.pid, 'SIGKILL')
cache.close()
console.log('done')
