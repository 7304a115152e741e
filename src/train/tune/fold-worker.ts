import { parentPort, workerData } from 'node:worker_threads'
import { createCpuEngine } from '../../engines/cpu/index.js'
import { type AdapterTrainError, isAdapterTrainError, messageOf } from '../../errors.js'
import { createFoldRunner, type FoldResult, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'

export interface FoldWorkerData {
  readonly threads: number
  /** Shared: 1 asks the thread to give up what it computes. */
  readonly stop: Int32Array
}

/** Message to a worker: first the setting, then tasks. */
export type FoldMessage = { readonly setting: FoldSetting } | { readonly task: FoldTask }

/** Answer to a task; a worker has one at a time. */
export interface FoldAnswer {
  readonly result?: FoldResult
  readonly error?: { readonly code?: AdapterTrainError['code']; readonly message: string }
}

const { threads, stop } = workerData as FoldWorkerData
const engine = createCpuEngine({ threads })
let runner: Promise<FoldRunner> | undefined
// A thread that computes reads no messages. Of a signal, only `aborted` and `reason` are asked for.
const signal = {
  get aborted() {
    return Atomics.load(stop, 0) !== 0
  },
} as AbortSignal

parentPort!.on('message', async (message: FoldMessage) => {
  if ('setting' in message) {
    runner = engine.then(started => createFoldRunner(started, message.setting, signal))
    // The tasks report the failure.
    runner.catch(() => {})
    return
  }
  const answer: FoldAnswer = await runner!
    .then(ready => ready.run(message.task))
    .then(
      result => ({ result }),
      error => ({ error: { code: isAdapterTrainError(error) ? error.code : undefined, message: messageOf(error) } }),
    )
  parentPort!.postMessage(answer)
})
