import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { text } from '../options/checks.js'
import { providerOptions } from '../options/provider-options.js'

const options = defineOptions({
  cache: {
    type: 'string',
    default: providerOptions.cache.default,
    coerce: text('cache'),
    describe: 'SQLite file of the embeddings to look at; "none" for no cache',
  },
  ...outputOptions,
})

export interface DoctorArgs extends OutputArgs {
  readonly cache: string
}

/** `adapter-train doctor` */
export const doctorCommand: Command<DoctorArgs> = {
  form: 'doctor',
  group: 'Look after',
  describe: 'show what works on this machine: engines, GPUs, packages, providers, cache',
  options,
  examples: [
    ['doctor', 'what is there, and why something is not'],
    ['doctor --json', 'the same for a program, or for a bug report'],
  ],
  async run(args) {
    const { doctor } = await import('../actions/doctor.js')
    await doctor(args)
    return undefined
  },
}
