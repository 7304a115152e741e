import yargs, { type Argv, type CommandModule } from 'yargs'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { VERSION } from '../version.js'
import { cacheCommand } from './commands/cache.js'
import { embedCommand } from './commands/embed.js'
import { evaluateCommand } from './commands/evaluate.js'
import { inspectCommand } from './commands/inspect.js'
import { trainCommand } from './commands/train.js'
import { readConfigFile } from './config-file.js'
import { createConsole } from './console.js'
import { findCommand, findEmptyNumber } from './find-command.js'
import { usageMessage } from './usage-message.js'

/** Exit codes: done, failed, wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Errors that the user's own words caused. */
const USAGE_CODES = ['USAGE', 'PROVIDER_UNKNOWN', 'ENGINE_UNKNOWN']

const COMMANDS = {
  train: trainCommand,
  evaluate: evaluateCommand,
  embed: embedCommand,
  inspect: inspectCommand,
  cache: cacheCommand,
}
const OPTIONS = Object.fromEntries(Object.entries(COMMANDS).map(([name, { options }]) => [name, options]))
/** The command where none is named. */
const DEFAULT_COMMAND = 'train'

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
  const { command, args } = findCommand(words, OPTIONS)
  // Known before the options are, because they may be what is wrong.
  const wish = args.findLast(word => /^--(no-)?json(=|$)/.test(word))
  let json = wish === '--json' || wish === '--json=true'
  let configError: unknown
  const parser = buildParser(args, command, path => {
    try {
      const values = readConfigFile(path, command ?? DEFAULT_COMMAND, OPTIONS)
      if (wish === undefined) json = values.json === true
      return values
    } catch (error) {
      // yargs keeps only the message.
      configError = error
      throw error
    }
  })
  try {
    if (args.filter(word => /^--config(=|$)/.test(word)).length > 1) {
      throw new AdapterTrainError('USAGE', '--config can be given once')
    }
    const empty = findEmptyNumber(args, OPTIONS[command ?? DEFAULT_COMMAND])
    if (empty) throw new AdapterTrainError('USAGE', `${empty.replace(/=$/, '')} needs a number, found nothing`)
    await parser.parseAsync()
    return EXIT.done
  } catch (error) {
    return reportFailure(configError ?? error, json)
  }
}

function buildParser(args: readonly string[], command: string | undefined, readConfig: (path: string) => object): Argv {
  const name = (command ?? DEFAULT_COMMAND) as keyof typeof COMMANDS
  const typed = {
    args,
    command,
    commands: Object.keys(COMMANDS),
    form: [COMMANDS[name].command].flat()[0],
    options: [...Object.keys(OPTIONS[name]), 'config', 'help', 'version'],
  }
  const parser = yargs([...args])
    .scriptName('adapter-train')
    .usage(
      '$0 [command] [options]\n\nTrains a small adapter for the query side of an embedding model; the documents stay as they are.',
    )
    .parserConfiguration({
      'strip-aliased': true,
      'dot-notation': false,
      'short-option-groups': false,
    })
    .version(VERSION)
    .help()
    .alias({ help: 'h', version: 'v' })
    .locale('en')
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .strict()
    .showHelpOnFail(false)
    .exitProcess(false)
    .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage. Every command has its own --help.')
    .demandCommand(0, 0)
    .option('config', { type: 'string', requiresArg: true, global: true })
    .config('config', 'JSON file with options; its keys are the option names; the command line comes first', readConfig)
    .fail((message, error) => {
      // Its own errors come as text or as a YError; everything else is a command's.
      if (error && error.name !== 'YError') throw error
      throw new AdapterTrainError('USAGE', usageMessage(message ?? error.message, typed))
    })
  for (const module of Object.values(COMMANDS)) parser.command(module as unknown as CommandModule)
  return parser
}

function reportFailure(error: unknown, json: boolean): number {
  const out = createConsole({ json })
  const known = isAdapterTrainError(error)
  const usage = known && USAGE_CODES.includes(error.code)
  const message = messageOf(error)
  out.error(message)
  if (!known && error instanceof Error && error.stack) out.error(error.stack.split('\n').slice(1).join('\n'))
  // What a command found before it failed, such as the damaged vectors, belongs into the one object too.
  const report = known ? (error.details.report as object | undefined) : undefined
  if (json) out.json({ ...report, error: { code: known ? error.code : 'INTERNAL', message } })
  return usage ? EXIT.usage : EXIT.failed
}
