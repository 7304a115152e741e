import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Engine } from '../engines/engine.js'
import { AdapterTrainError } from '../errors.js'
import type { FoldResult } from './cross-validate.js'
import { createFoldRunner, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'
import type { FoldAnswer, FoldWorkerData } from './fold-worker.js'

/** Threads at most: more folds than this are never asked for at once. */
const MOST_THREADS = 6
/** Multiplications in the scores of one pass over all queries, below which threads take longer to start than they save. */
const LEAST_WORK = 2e7

/** Compiled code beside this file; not there when the sources themselves run. */
const WORKER = new URL('./fold-worker.js', import.meta.url)

/** How many threads a search can use at once. */
export function foldThreads(engine: Engine, { data, pseudo }: Pick<FoldSetting, 'data' | 'pseudo'>): number {
  const threads = Math.min(availableParallelism(), MOST_THREADS)
  const work = (data.queries.rows + (pseudo?.queries.rows ?? 0)) * data.docs.rows * data.docs.cols
  const possible = engine.name === 'cpu' && work >= LEAST_WORK && existsSync(fileURLToPath(WORKER))
  return possible ? threads : 1
}

/**
 * Computes folds on several threads, each with an engine of its own: the steps of small embeddings are too short to be shared
 * among the cores. A fold gives the same on any thread.
 */
export function createThreadedFoldRunner(engine: Engine, setting: FoldSetting, signal?: AbortSignal): FoldRunner {
  const count = foldThreads(engine, setting)
  const inProcess = createFoldRunner(engine, setting, signal)
  if (count === 1) return inProcess

  interface Job {
    readonly task: FoldTask
    resolve(result: FoldResult): void
    reject(error: unknown): void
  }
  const waiting: Job[] = []
  const running = new Map<Worker, Job>()
  const workers: Worker[] = []
  let failure: unknown
  let next = 0

  const workerData: FoldWorkerData = {
    setting,
    threads: Math.max(1, Math.floor(availableParallelism() / count)),
  }

  function fail(error: unknown): void {
    failure ??= error
    for (const { reject } of [...running.values(), ...waiting.splice(0)]) reject(failure)
    running.clear()
  }

  function start(): Worker {
    const worker = new Worker(WORKER, { workerData })
    worker.unref()
    workers.push(worker)
    worker.on('message', ({ result, error }: FoldAnswer) => {
      const job = running.get(worker)
      running.delete(worker)
      if (result) job?.resolve(result)
      else job?.reject(error?.code ? new AdapterTrainError(error.code, error.message) : new Error(error?.message))
      work()
    })
    worker.on('error', fail)
    worker.on('exit', code => fail(new Error(`a thread of the cross-validation ended with code ${code}`)))
    return worker
  }

  function work(): void {
    while (waiting.length > 0 && failure === undefined) {
      const idle = workers.find(worker => !running.has(worker)) ?? (workers.length < count ? start() : undefined)
      if (!idle) return
      const job = waiting.shift()!
      running.set(idle, job)
      // A thread that works keeps the program alive; one that waits does not.
      idle.ref()
      idle.postMessage({ id: next++, task: job.task })
    }
    for (const worker of workers) if (!running.has(worker)) worker.unref()
  }

  const stop = () => fail(new AdapterTrainError('ABORTED', 'training was stopped', { cause: signal?.reason }))
  signal?.addEventListener('abort', stop)
  return {
    run: task =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) stop()
        if (failure !== undefined) {
          reject(failure)
          return
        }
        waiting.push({ task, resolve, reject })
        work()
      }),
    base: () => inProcess.base(),
    async free() {
      signal?.removeEventListener('abort', stop)
      for (const worker of workers) worker.removeAllListeners('exit')
      await Promise.all(workers.map(worker => worker.terminate()))
      await inProcess.free()
    },
  }
}
