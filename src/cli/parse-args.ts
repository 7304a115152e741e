import yargs from 'yargs'
import { AdapterTrainError, messageOf } from '../errors.js'
import { COMMAND_OPTIONS, COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { findEmptyNumber } from './find-command.js'
import { COMMON_OPTIONS } from './help.js'
import { usageMessage } from './usage-message.js'

/**
 * Turns the words of one command line into the arguments of its command.
 *
 * @param args the command first, where one is named
 * @param readConfig reads the file of `--config`
 * @throws USAGE when an option or argument is unknown, missing or has a wrong value
 * @throws as `readConfig`
 */
export async function parseArgs(
  args: readonly string[],
  command: string | undefined,
  readConfig: (path: string) => object,
): Promise<object> {
  const name = command ?? DEFAULT_COMMAND
  const { form, positionals = {}, options } = COMMANDS[name]
  const known = [...Object.keys(options), ...Object.keys(COMMON_OPTIONS)]
  const wrong = (message: string) =>
    new AdapterTrainError(
      'USAGE',
      usageMessage(message, { args, command, commands: Object.keys(COMMAND_OPTIONS), form, options: known }),
    )
  if (args.filter(word => /^--config(=|$)/.test(word)).length > 1) throw wrong('--config can be given once')
  const empty = findEmptyNumber(args, options)
  if (empty) throw wrong(`${empty.replace(/=$/, '')} needs a number, found nothing`)

  // yargs keeps only the message.
  let configError: unknown
  const readOnce = (path: string): object => {
    try {
      return readConfig(path)
    } catch (error) {
      configError = error
      throw error
    }
  }
  let parsed: object | undefined
  await yargs([...args])
    .parserConfiguration({ 'strip-aliased': true, 'dot-notation': false, 'short-option-groups': false })
    .locale('en')
    .help(false)
    .version(false)
    .strict()
    .exitProcess(false)
    .demandCommand(0, 0)
    .option('config', COMMON_OPTIONS.config)
    .config('config', COMMON_OPTIONS.config.describe, readOnce)
    .fail((message, error) => {
      throw configError ?? wrong(message ?? messageOf(error))
    })
    .command(
      name === DEFAULT_COMMAND ? [form, '$0'] : form,
      '',
      builder => {
        for (const [positional, option] of Object.entries(positionals)) builder.positional(positional, option)
        return builder.options(options)
      },
      values => {
        parsed = values
      },
    )
    .parseAsync()
  return parsed!
}
