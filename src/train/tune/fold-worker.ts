import { parentPort, workerData } from 'node:worker_threads'
import { createCpuEngine } from '../../engines/cpu/index.js'
import { AdapterTrainError, messageOf } from '../../errors.js'
import { createFoldRunner, type FoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'

/** What a worker is started with. */
export interface FoldWorkerData {
  readonly threads: number
}

/** The first message says what all folds have in common; every other one is a task. */
export type FoldMessage = { readonly setting: FoldSetting } | { readonly id: number; readonly task: FoldTask }

/** The answer to the task with the same number. */
export interface FoldAnswer {
  readonly id: number
  readonly result?: Awaited<ReturnType<FoldRunner['run']>>
  readonly error?: { readonly code?: AdapterTrainError['code']; readonly message: string }
}

const { threads } = workerData as FoldWorkerData
const engine = createCpuEngine({ threads })
let runner: Promise<FoldRunner> | undefined

parentPort!.on('message', async (message: FoldMessage) => {
  if ('setting' in message) {
    runner = engine.then(started => createFoldRunner(started, message.setting))
    // The tasks report what went wrong.
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
