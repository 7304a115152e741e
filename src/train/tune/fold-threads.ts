import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Engine } from '../../engines/engine.js'
import { AdapterTrainError } from '../../errors.js'
import { abortError } from '../../throw-if-aborted.js'
import type { FoldResult } from './cross-validate.js'
import { createFoldRunner, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'
import type { FoldAnswer, FoldMessage, FoldWorkerData } from './fold-worker.js'

/** Threads at most: more folds than this are never asked for at once. */
const MOST_THREADS = 6
/** Multiplications in the scores of one pass over all queries, below which threads take longer to start than they save. */
const LEAST_WORK = 2e6

/** Compiled code beside this file; not there when the sources themselves run. */
const WORKER = new URL('./fold-worker.js', import.meta.url)

/** How many threads a search can use at once. */
export function foldThreads(engine: Engine, { data, pseudo }: Pick<FoldSetting, 'data' | 'pseudo'>): number {
  const threads = Math.min(availableParallelism(), MOST_THREADS)
  const work = (data.queries.rows + (pseudo?.queries.rows ?? 0)) * data.docs.rows * data.docs.cols
  const possible = engine.name === 'cpu' && work >= LEAST_WORK && existsSync(fileURLToPath(WORKER))
  return possible ? threads : 1
}

/** Threads that have been started and wait for a setting. */
export interface FoldThreads {
  readonly workers: readonly Worker[]
  /** Ends them, where nothing came of it. */
  free(): Promise<void>
}

/** Starts the threads that a search will use, so that they are ready when it is; none where they would not pay. */
export function startFoldThreads(engine: Engine, data: Pick<FoldSetting, 'data' | 'pseudo'>): FoldThreads {
  const count = foldThreads(engine, data)
  const workerData: FoldWorkerData = { threads: Math.max(1, Math.floor(availableParallelism() / count)) }
  const workers = count === 1 ? [] : Array.from({ length: count }, () => new Worker(WORKER, { workerData }))
  for (const worker of workers) {
    worker.unref()
    // A thread that could not start is heard of when it is used.
    worker.on('error', () => {})
  }
  return {
    workers,
    free: async () => {
      await Promise.all(workers.map(worker => worker.terminate()))
    },
  }
}

/**
 * Computes folds on several threads, each with an engine of its own: the steps of small embeddings are too short to be shared
 * among the cores. A fold gives the same on any thread.
 */
export function createThreadedFoldRunner(
  engine: Engine,
  setting: FoldSetting,
  signal?: AbortSignal,
  threads: FoldThreads = startFoldThreads(engine, setting),
): FoldRunner {
  const inProcess = createFoldRunner(engine, setting, signal)
  const { workers } = threads
  if (workers.length === 0) return inProcess

  interface Job {
    readonly task: FoldTask
    resolve(result: FoldResult): void
    reject(error: unknown): void
  }
  const waiting: Job[] = []
  const running = new Map<Worker, Job>()
  let failure: unknown
  let next = 0

  function fail(error: unknown): void {
    failure ??= error
    for (const { reject } of [...running.values(), ...waiting.splice(0)]) reject(failure)
    running.clear()
  }

  for (const worker of workers) {
    const message: FoldMessage = { setting }
    worker.postMessage(message)
    worker.on('message', ({ result, error }: FoldAnswer) => {
      const job = running.get(worker)
      running.delete(worker)
      if (result) job?.resolve(result)
      else job?.reject(error?.code ? new AdapterTrainError(error.code, error.message) : new Error(error?.message))
      work()
    })
    worker.on('error', fail)
    worker.on('exit', code => fail(new Error(`a thread of the cross-validation ended with code ${code}`)))
  }

  function work(): void {
    while (waiting.length > 0 && failure === undefined) {
      const idle = workers.find(worker => !running.has(worker))
      if (!idle) return
      const job = waiting.shift()!
      running.set(idle, job)
      // A thread that works keeps the program alive; one that waits does not.
      idle.ref()
      const message: FoldMessage = { id: next++, task: job.task }
      idle.postMessage(message)
    }
    for (const worker of workers) if (!running.has(worker)) worker.unref()
  }

  const stop = () => fail(abortError(signal, 'training was stopped'))
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
      await threads.free()
      await inProcess.free()
    },
  }
}
