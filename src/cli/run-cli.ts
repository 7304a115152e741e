import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { VERSION } from '../version.js'
import { COMMAND_OPTIONS, COMMANDS, DEFAULT_COMMAND } from './commands/index.js'
import { readConfigFile } from './config-file.js'
import { EXIT } from './exit-codes.js'
import { findCommand } from './find-command.js'
import { helpText } from './help.js'
import { type ConsoleOptions, createConsole } from './output/console.js'

/** Errors that the user's own words caused. */
const USAGE_CODES = ['USAGE', 'PROVIDER_UNKNOWN', 'ENGINE_UNKNOWN']

/**
 * Runs one command line.
 *
 * Results go to stdout, everything else to stderr. With `--json` stdout is exactly one JSON object, on failure
 * `{"error": {"code", "message"}}`.
 *
 * @param words the words after the program's name
 * @returns the exit code
 */
export async function runCli(words: readonly string[]): Promise<number> {
  const { command, args } = findCommand(words[0] === 'help' ? [...words.slice(1), '--help'] : words, COMMAND_OPTIONS)
  const asked = args.find(word => ['--help', '-h', '--version', '-v'].includes(word))
  const color = switchIn(args, 'color')
  if (asked !== undefined) {
    const width = Math.min(120, Math.max(60, process.stdout.columns ?? 100))
    const out = createConsole({ color })
    out.result(/v/.test(asked) ? VERSION : helpText(command, width, out.style))
    return EXIT.done
  }
  const name = command ?? DEFAULT_COMMAND
  const wish = switchIn(args, 'json')
  let json = wish === true
  try {
    const { parseArgs } = await import('./parse-args.js')
    const parsed = await parseArgs(args, command, path => {
      const values = readConfigFile(path, name, COMMAND_OPTIONS)
      if (wish === undefined) json = values.json === true
      return values
    })
    const { quiet, verbose } = parsed as ConsoleOptions
    if (quiet && verbose) throw new AdapterTrainError('USAGE', '--quiet and --verbose exclude each other; drop one')
    return (await COMMANDS[name].run(parsed as never)) ?? EXIT.done
  } catch (error) {
    return reportFailure(error, { json, color })
  }
}

/** A switch, known before the options are, because they may be what is wrong. Of several the last counts. */
function switchIn(args: readonly string[], name: string): boolean | undefined {
  const word = args.findLast(word => new RegExp(`^--(no-)?${name}(=|$)`).test(word))
  return word === undefined ? undefined : word === `--${name}` || word === `--${name}=true`
}

function reportFailure(error: unknown, { json, color }: ConsoleOptions): number {
  const out = createConsole({ json, color })
  const known = isAdapterTrainError(error)
  const message = messageOf(error)
  out.error(message)
  if (!known && error instanceof Error && error.stack) out.error(error.stack.split('\n').slice(1).join('\n'))
  // What a command found before it failed, such as the damaged vectors, belongs into the one object too.
  const report = known ? (error.details.report as object | undefined) : undefined
  if (json) out.json({ ...report, error: { code: known ? error.code : 'INTERNAL', message } })
  if (isAdapterTrainError(error, 'ABORTED')) return EXIT.interrupted
  return known && USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed
}
