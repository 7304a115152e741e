import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCache } from '../dist/index.js'
import { row } from '../dist/math/matrix.js'
import { randomUnitRows } from './random-data.mjs'
import { median, timesAsLong } from './statistics.mjs'

const VECTORS = 20_000
const DIM = 1536
/** Vectors in a transaction and in a look-up: as many as training's own look-up takes. */
const BATCH = 512
const SPACE = 'bench/random'

/**
 * The embedding cache against a plain file of the same bytes, each in new files of the folder for temporary files.
 * @param {import('./run.mjs').Context} context
 */
export async function benchCache({ options, progress }) {
  const vectors = randomUnitRows(VECTORS, DIM, 1)
  const hashes = Array.from({ length: VECTORS }, (_, i) => createHash('sha256').update(`${i}`).digest())
  const folder = mkdtempSync(join(tmpdir(), 'adapter-train-bench-'))
  const contestants = [
    { engine: 'sqlite', ...sqliteCache(vectors, hashes), writeMs: [], readMs: [] },
    { engine: 'file', ...plainFile(vectors), writeMs: [], readMs: [] },
  ]
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const { engine, write, read, writeMs, readMs } of contestants) {
        progress(`cache, ${engine}, round ${round + 1}`)
        const file = join(folder, `${engine}-${round}`)
        writeMs.push(await milliseconds(() => write(file)))
        readMs.push(await milliseconds(() => read(file)))
        for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const plain = contestants[1]
  return contestants.map(({ engine, writeMs, readMs }) => ({
    bench: 'cache',
    engine,
    dim: DIM,
    vectors: VECTORS,
    ...rates('write', median(writeMs)),
    ...rates('read', median(readMs)),
    writeTimesSlowerThanFile: timesAsLong(writeMs, plain.writeMs),
    readTimesSlowerThanFile: timesAsLong(readMs, plain.readMs),
  }))
}

/** From opening to closing, which moves the write-ahead log into the file. */
function sqliteCache(vectors, hashes) {
  return {
    async write(file) {
      const cache = await openCache(file)
      for (const [start, end] of batches()) {
        const entries = []
        for (let i = start; i < end; i++) entries.push({ textHash: hashes[i], vector: row(vectors, i) })
        cache.set(SPACE, entries)
      }
      cache.close()
    },
    async read(file) {
      const cache = await openCache(file)
      for (const [start, end] of batches()) {
        const found = cache.get(SPACE, hashes.slice(start, end))
        if (found.includes(undefined)) throw new Error('the cache lost a vector')
      }
      cache.close()
    },
  }
}

function plainFile(vectors) {
  return {
    async write(file) {
      const handle = openSync(file, 'w')
      for (const [start, end] of batches()) writeSync(handle, vectors.data, start * DIM * 4, (end - start) * DIM * 4)
      closeSync(handle)
    },
    async read(file) {
      const handle = openSync(file, 'r')
      for (const [start, end] of batches()) readSync(handle, new Float32Array((end - start) * DIM))
      closeSync(handle)
    },
  }
}

function batches() {
  const starts = Array.from({ length: Math.ceil(VECTORS / BATCH) }, (_, i) => i * BATCH)
  return starts.map(start => [start, Math.min(start + BATCH, VECTORS)])
}

async function milliseconds(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function rates(what, ms) {
  const perSecond = VECTORS / (ms / 1000)
  return { [`${what}VectorsPerSecond`]: perSecond, [`${what}MegabytesPerSecond`]: (perSecond * DIM * 4) / 1e6 }
}
