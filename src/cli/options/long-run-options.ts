import type { Options } from 'yargs'
import { text } from './checks.js'

/** Options of `train` for runs that take long. */
export const longRunOptions = {
  checkpoint: {
    type: 'string',
    coerce: text('checkpoint'),
    describe: 'file that keeps every epoch, so that an interrupted run goes on where it stopped; removed at the end',
  },
  'save-on-interrupt': {
    type: 'boolean',
    default: false,
    describe: 'after Ctrl-C in training, write the best adapter so far to --out, marked as interrupted; exit code 130',
  },
  log: { type: 'string', coerce: text('log'), describe: 'file to append the course of training to, as JSON lines' },
} as const satisfies Record<string, Options>

/** What yargs makes of {@link longRunOptions}. */
export interface LongRunArgs {
  readonly checkpoint?: string
  readonly saveOnInterrupt: boolean
  readonly log?: string
}
