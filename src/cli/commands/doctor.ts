import { type Command, outputOptions } from '../command.js'
import { cacheOption } from '../options/provider-options.js'
import type { ArgsOf } from '../options/rows.js'

const options = { cache: cacheOption, ...outputOptions }

export type DoctorArgs = ArgsOf<typeof options>

export const doctorCommand: Command = {
  form: 'doctor',
  group: 'Maintain',
  describe: 'Check engines, GPUs, packages, providers and the cache',
  options,
  examples: [
    ['doctor', 'what works, and why anything does not'],
    ['doctor --json', 'the same for a program, or for a bug report'],
  ],
}
