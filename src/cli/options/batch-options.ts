import { POLL_MS } from '../../batch-api/defaults.js'
import type { BatchOptions } from '../../batch-api/run-batches.js'
import type { BatchStore } from '../../cache/batch-store.js'
import { usageError } from '../../errors.js'
import { whole } from '../../report/format.js'
import type { Console } from '../output/console.js'
import { type ArgsOf, flag, inGroup, positive, toggle } from './rows.js'

export const batchOptions = inGroup('Batch API', {
  'batch-api': flag("OpenAI's Batch API: half the price, no rate limits, answers within a day; a rerun resumes waiting"),
  wait: toggle('with --batch-api: waits for the batches; --no-wait submits and exits, a rerun collects', { default: true }),
  'batch-poll': positive(`with --batch-api: seconds before the first poll (default: ${POLL_MS / 1000})`),
})

export type BatchArgs = ArgsOf<typeof batchOptions>

/** `option`: the option that names the service. */
export function checkBatchArgs(args: BatchArgs & { readonly cache: string }, option: string, service?: string): void {
  const { batchApi, wait, batchPoll, cache } = args
  if (!batchApi) {
    const stray = wait ? (batchPoll === undefined ? undefined : '--batch-poll') : '--no-wait'
    if (stray !== undefined) throw usageError(`${stray} goes with --batch-api`)
    return
  }
  if (service !== 'openai') {
    throw usageError(
      `--batch-api is OpenAI's; it goes with ${option} openai${service === undefined ? '' : `, not with ${service}`}`,
    )
  }
  if (cache === 'none')
    throw usageError('--batch-api records pending batches in the cache, so --cache none cannot be used; name a file')
}

/** Builds the batch options of the library, with the lines the command line prints. */
export function batchReporting(args: BatchArgs, store: BatchStore, out: Console): BatchOptions {
  const bar = out.progress('batches')
  return {
    store,
    wait: args.wait,
    pollMs: args.batchPoll === undefined ? undefined : 1000 * args.batchPoll,
    onSubmit: ({ id, requests, inputs }) =>
      out.info(`submitted batch ${id}: ${whole(requests)} requests, ${whole(inputs)} texts`),
    onResume: ({ id, requests }) =>
      out.info(`batch ${id} of an earlier run (${whole(requests)} requests) is collected, not submitted again`),
    onProgress({ completed, failed, total, batches }) {
      bar.update(completed + failed, total, `${batches} pending, ${completed} completed, ${failed} failed`)
      if (batches === 0) bar.end()
    },
  }
}
