import { parentPort, workerData } from 'node:worker_threads'
import { createCpuEngine } from '../engines/cpu/index.js'
import { AdapterTrainError, messageOf } from '../errors.js'
import { createFoldRunner, type FoldSetting, type FoldTask } from './fold-runner.js'

/** What a worker is started with. */
export interface FoldWorkerData {
  readonly setting: FoldSetting
  readonly threads: number
}

/** The answer to the task with the same number. */
export interface FoldAnswer {
  readonly id: number
  readonly result?: Awaited<ReturnType<ReturnType<typeof createFoldRunner>['run']>>
  readonly error?: { readonly code?: AdapterTrainError['code']; readonly message: string }
}

const { setting, threads } = workerData as FoldWorkerData
const runner = createCpuEngine({ threads }).then(engine => createFoldRunner(engine, setting))

parentPort!.on('message', async ({ id, task }: { readonly id: number; readonly task: FoldTask }) => {
  let answer: FoldAnswer
  try {
    answer = { id, result: await (await runner).run(task) }
  } catch (error) {
    const code = error instanceof AdapterTrainError ? error.code : undefined
    answer = { id, error: { code, message: messageOf(error) } }
  }
  parentPort!.postMessage(answer)
})
