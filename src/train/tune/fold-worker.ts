import { parentPort, workerData } from 'node:worker_threads'
import { createCpuEngine } from '../../engines/cpu/index.js'
import { AdapterTrainError, messageOf } from '../../errors.js'
import { createFoldRunner, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'

export interface FoldWorkerData {
  readonly threads: number
  /** Shared: 1 asks the thread to give up what it computes. */
  readonly stop: Int32Array
}

/** Message to a worker: first the setting, then tasks. */
export type FoldMessage = { readonly setting: FoldSetting } | { readonly id: number; readonly task: FoldTask }

/** Answer to the task with the same number. */
export interface FoldAnswer {
  readonly id: number
  readonly result?: Awaited<ReturnType<FoldRunner['run']>>
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
  const { id, task } = message
  let answer: FoldAnswer
  try {
    answer = { id, result: await (await runner!).run(task) }
  } catch (error) {
    const code = error instanceof AdapterTrainError ? error.code : undefined
    answer = { id, error: { code, message: messageOf(error) } }
  }
  parentPort!.postMessage(answer)
})
