import type { Options } from 'yargs'
import { type BatchOptions, POLL_MS } from '../../batch/run-batches.js'
import type { BatchStore } from '../../cache/batch-store.js'
import { AdapterTrainError, isAdapterTrainError } from '../../errors.js'
import type { Console } from '../output/console.js'
import { number } from './checks.js'

const group = 'Batch API:'

/** Options of the commands that can go through OpenAI's Batch API. */
export const batchOptions = {
  'batch-api': {
    group,
    type: 'boolean',
    default: false,
    describe:
      "through OpenAI's Batch API: half the price, no rate limits, answers within a day; a rerun goes on waiting",
  },
  wait: {
    group,
    type: 'boolean',
    default: true,
    describe:
      'with --batch-api: wait for the batches; --no-wait submits them and exits, the same command collects them later',
  },
  'batch-poll': {
    group,
    type: 'number',
    coerce: number('batch-poll', { min: 0, exclusive: true }),
    describe: `with --batch-api: seconds before the batches are looked at again, at first (default: ${POLL_MS / 1000})`,
  },
} as const satisfies Record<string, Options>

/** What yargs makes of {@link batchOptions}. */
export interface BatchArgs {
  readonly batchApi: boolean
  readonly wait: boolean
  readonly batchPoll?: number
}

/**
 * @param option the one that names the service, and what it says
 * @throws USAGE when the options do not go together
 */
export function checkBatchArgs(args: BatchArgs & { readonly cache: string }, option: string, service: string): void {
  const { batchApi, wait, batchPoll, cache } = args
  if (!batchApi) {
    const stray = wait ? (batchPoll === undefined ? undefined : '--batch-poll') : '--no-wait'
    if (stray !== undefined) throw new AdapterTrainError('USAGE', `${stray} goes with --batch-api`)
    return
  }
  if (service !== 'openai') {
    throw new AdapterTrainError('USAGE', `--batch-api is OpenAI's; it goes with ${option} openai, not with ${service}`)
  }
  if (cache === 'none') {
    const message = '--batch-api keeps what is under way in the cache, so --cache none makes no sense; name a file'
    throw new AdapterTrainError('USAGE', message)
  }
}

/** How the command line goes about batches, and what it says of them. */
export function batchReporting(args: BatchArgs, store: BatchStore, out: Console): BatchOptions {
  const bar = out.progress('batches')
  return {
    store,
    wait: args.wait,
    pollMs: args.batchPoll === undefined ? undefined : 1000 * args.batchPoll,
    onSubmit: ({ id, requests, inputs }) =>
      out.info(
        `submitted batch ${id}: ${requests.toLocaleString('en')} requests, ${inputs.toLocaleString('en')} texts`,
      ),
    onResume: ({ id, requests }) =>
      out.info(
        `batch ${id} of an earlier run (${requests.toLocaleString('en')} requests) is collected, not submitted again`,
      ),
    onProgress({ completed, failed, total, batches }) {
      bar.update(completed + failed, total, `${batches} under way, ${completed} completed, ${failed} failed`)
      if (batches === 0) bar.end()
    },
  }
}

/** Runs `work`, and ends well where it only submitted (`--no-wait`). */
export async function untilSubmitted<T>(
  args: { readonly json: boolean },
  out: Console,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isAdapterTrainError(error, 'BATCH_PENDING')) throw error
    const { batches, requests } = error.details
    if (args.json) out.json({ pending: { batches, requests } })
    else out.result(error.message.replace('the same', 'the same command'))
    return undefined
  }
}
