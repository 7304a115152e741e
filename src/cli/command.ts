import type { Options } from 'yargs'
import type { ConsoleOptions } from './console.js'

/** Options that every command has. */
export const outputOptions = {
  json: { type: 'boolean', default: false, describe: 'print one JSON object on stdout' },
  quiet: { type: 'boolean', default: false, describe: 'no progress and no remarks on stderr' },
} as const satisfies Record<string, Options>

export type OutputArgs = Required<ConsoleOptions>
