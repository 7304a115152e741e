import { signed } from '../../math/signed.js'
import type { TrainingReport } from '../../pipeline/run-training.js'
import { count } from './tables.js'

/** What a training report says about a memory of training queries, or about one that would have paid. */
export function memoryLines({ memory, memoryHint }: TrainingReport, metric: string): string[] {
  if (memoryHint !== undefined) {
    return [
      `hint       --kind linear-memory looks worth a try: ${signed(memoryHint)} ${metric} out of fold in a quick look, which may flatter`,
    ]
  }
  if (!memory) return []
  const found = `${signed(memory.gain)} out-of-fold ${metric} (standard error ${memory.standardError.toFixed(4)})`
  if (!memory.chosen) return [`memory     none, plain linear: the best one changes ${found}, no more than noise`]
  const { queries = 0, distinct = 0, bytes = 0, multiplyAdds = 0, microseconds = 0 } = memory
  const of = queries < distinct ? ` of ${distinct}` : ''
  const beside = memory.onIdentity ? 'the unadapted query' : 'linear'
  return [
    `memory     ${found} beside ${beside}, beta ${memory.beta}, z0 ${memory.z0}`,
    `           ${count(queries, 'query', 'queries')}${of}, ${(bytes / 1e6).toFixed(1)} MB of weights; a query costs ${(multiplyAdds / 1e6).toFixed(2)} million multiply-adds, ${microseconds} microseconds here`,
  ]
}
