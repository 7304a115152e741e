import { parentPort, workerData } from 'node:worker_threads'

/** Copies between which the clock is not asked. */
const BYTES_PER_LOOK = 4e6

const from = new Float32Array(workerData.values).fill(1)
const to = new Float32Array(workerData.values).fill(2)
const copies = Math.ceil(BYTES_PER_LOOK / from.byteLength)

// Told how many milliseconds, answers with the bytes a second that it read and wrote.
parentPort?.on('message', ms => {
  const start = performance.now()
  let bytes = 0
  let elapsed = 0
  do {
    for (let i = 0; i < copies; i++) to.set(from)
    bytes += 2 * copies * from.byteLength
    elapsed = performance.now() - start
  } while (elapsed < ms)
  parentPort?.postMessage(bytes / (elapsed / 1000))
})
parentPort?.postMessage('ready')
