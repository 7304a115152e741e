import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { abortError } from '../../abort.js'
import type { Engine } from '../../engines/engine.js'
import { AdapterTrainError } from '../../errors.js'
import { createFoldRunner, type FoldResult, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'
import type { FoldAnswer, FoldMessage, FoldWorkerData } from './fold-worker.js'

/** Most threads: more folds are never computed at once. */
const MOST_THREADS = 6
/** Multiplications per pass over all queries, below which threads take longer to start than they save. */
const LEAST_WORK = 2e6
/** Compiled code beside this file; missing when the sources themselves run. */
const WORKER = new URL('./fold-worker.js', import.meta.url)

/** Returns the number of threads a search can use. */
export function foldThreads(engine: Engine, { data, pseudo }: Pick<FoldSetting, 'data' | 'pseudo'>): number {
  const threads = Math.min(availableParallelism(), MOST_THREADS)
  const work = (data.queries.rows + (pseudo?.queries.rows ?? 0)) * data.docs.rows * data.docs.cols
  const possible = engine.name === 'cpu' && work >= LEAST_WORK && existsSync(fileURLToPath(WORKER))
  return possible ? threads : 1
}

type FoldThreads = ReturnType<typeof startFoldThreads>

/** Starts the threads of a search ahead of it; none if they would not pay. */
export function startFoldThreads(engine: Engine, data: Pick<FoldSetting, 'data' | 'pseudo'>) {
  const count = foldThreads(engine, data)
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: FoldWorkerData = { threads: Math.max(1, Math.floor(availableParallelism() / count)), stop }
  const workers = count === 1 ? [] : Array.from({ length: count }, () => new Worker(WORKER, { workerData }))
  for (const worker of workers) {
    worker.unref()
    // A thread that could not start is reported when it is used.
    worker.on('error', () => {})
  }
  return {
    workers,
    /** Asks the threads to give up what they compute. */
    stop: () => Atomics.store(stop, 0, 1),
    free: async (): Promise<void> => {
      await Promise.all(workers.map(worker => worker.terminate()))
    },
  }
}

/** Computes folds on threads with engines of their own, as short steps cannot be shared; results are the same. */
export function createThreadedFoldRunner(
  engine: Engine,
  setting: FoldSetting,
  signal?: AbortSignal,
  threads: FoldThreads = startFoldThreads(engine, setting),
): FoldRunner {
  const inProcess = createFoldRunner(engine, setting, signal)
  const { workers } = threads
  if (workers.length === 0) return inProcess

  type Job = { readonly task: FoldTask; resolve(result: FoldResult): void; reject(error: unknown): void }
  const waiting: Job[] = []
  const running = new Map<Worker, Job>()
  /** Threads that compute, whether their job still waits or not. */
  const busy = new Map<Worker, () => void>()
  let failure: unknown
  let freed = false

  function fail(error: unknown): void {
    failure ??= error
    for (const { reject } of [...running.values(), ...waiting.splice(0)]) reject(failure)
    running.clear()
  }

  // Folds train on vectors alone; texts would be copied into every thread.
  const [data, pseudo] = [setting.data, setting.pseudo].map(set => set && { ...set, queryTexts: undefined, docTexts: undefined })
  const message: FoldMessage = { setting: { ...setting, data: data!, pseudo } }
  for (const worker of workers) {
    worker.postMessage(message)
    worker.on('message', ({ result, error }: FoldAnswer) => {
      const job = running.get(worker)
      running.delete(worker)
      busy.get(worker)?.()
      // Nobody waits for a fold that was given up.
      if (freed) return
      if (result) job?.resolve(result)
      else job?.reject(error?.code ? new AdapterTrainError(error.code, error.message) : new Error(error?.message))
      work()
    })
    worker.on('error', fail)
    worker.on('exit', code => {
      busy.get(worker)?.()
      fail(new Error(`a thread of the cross-validation ended with code ${code}`))
    })
  }

  function work(): void {
    while (waiting.length > 0 && failure === undefined) {
      const idle = workers.find(worker => !running.has(worker))
      if (!idle) return
      const job = waiting.shift()!
      running.set(idle, job)
      busy.set(idle, () => busy.delete(idle))
      // A working thread keeps the program alive; a waiting one does not.
      idle.ref()
      const message: FoldMessage = { task: job.task }
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
      freed = true
      signal?.removeEventListener('abort', stop)
      // To end a thread in the middle of a native call would end the process.
      threads.stop()
      const ended = (worker: Worker) =>
        new Promise<void>(done => {
          worker.ref()
          busy.set(worker, done)
        })
      await Promise.all([...busy.keys()].map(ended))
      for (const worker of workers) worker.removeAllListeners('exit')
      await threads.free()
      await inProcess.free()
    },
  }
}
