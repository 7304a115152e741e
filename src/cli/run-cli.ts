import yargs, { type Argv } from 'yargs'
import { AdapterTrainError, isAdapterTrainError, messageOf } from '../errors.js'
import { nearest } from '../nearest.js'
import { VERSION } from '../version.js'
import { cacheCommand } from './commands/cache.js'
import { embedCommand } from './commands/embed.js'
import { evaluateCommand } from './commands/evaluate.js'
import { inspectCommand } from './commands/inspect.js'
import { trainCommand } from './commands/train.js'
import { configReader } from './config-file.js'
import { createConsole } from './console.js'

/** Exit codes: done, failed, wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Errors that the user's own words caused. */
const USAGE_CODES = ['USAGE', 'PROVIDER_UNKNOWN', 'ENGINE_UNKNOWN']

/**
 * Runs one command line.
 *
 * Results go to stdout, everything else to stderr. With `--json` stdout is exactly one JSON object, on failure
 * `{"error": {"code", "message"}}`.
 *
 * @param args the words after the program's name
 * @returns the exit code
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const parser = buildParser(args)
  try {
    await parser.parseAsync()
    return EXIT.done
  } catch (error) {
    return reportFailure(error, args.includes('--json'))
  }
}

function buildParser(args: readonly string[]): Argv {
  const parser = yargs([...args])
    .scriptName('adapter-train')
    .usage(
      '$0 [command] [options]\n\nTrains a small adapter for the query side of an embedding model; the documents stay as they are.',
    )
    .parserConfiguration({ 'duplicate-arguments-array': false, 'strip-aliased': true })
    .version(VERSION)
    .help()
    .alias({ help: 'h', version: 'v' })
    .locale('en')
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .strict()
    .recommendCommands()
    .showHelpOnFail(false)
    .exitProcess(false)
    .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage. Every command has its own --help.')
    .command(trainCommand)
    .command(evaluateCommand)
    .command(embedCommand)
    .command(inspectCommand)
    .command(cacheCommand)
    .demandCommand(0, 0)
  const known = (): string[] => Object.keys((parser as unknown as { getOptions(): { key: object } }).getOptions().key)
  return parser
    .option('config', {
      type: 'string',
      requiresArg: true,
      global: true,
      describe: 'JSON file with options; its keys are the option names; the command line comes first',
    })
    .config('config', configReader(known))
    .fail((message, error) => {
      throw error ?? new AdapterTrainError('USAGE', withSuggestion(message, known()))
    })
}

/** Adds the nearest option to "Unknown arguments: ...". */
function withSuggestion(message: string, known: readonly string[]): string {
  const unknown = /^Unknown arguments?: (.+)$/.exec(message)?.[1].split(', ') ?? []
  const visible = known.filter(name => name.length > 1)
  const options = unknown.filter((name, i) => unknown.findIndex(other => kebab(other) === kebab(name)) === i)
  if (options.length === 0) return message
  const named = options.map(name => {
    const near = nearest(kebab(name), visible.map(kebab))
    return `--${kebab(name)}${near ? ` (did you mean --${near}?)` : ''}`
  })
  return `unknown ${named.length > 1 ? 'options' : 'option'} ${named.join(', ')}; see adapter-train --help`
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function reportFailure(error: unknown, json: boolean): number {
  const out = createConsole({ json })
  const known = isAdapterTrainError(error)
  const usage = known ? USAGE_CODES.includes(error.code) : (error as Error | undefined)?.name === 'YError'
  out.error(messageOf(error))
  if (!known && !usage && error instanceof Error && error.stack) out.error(error.stack.split('\n').slice(1).join('\n'))
  if (json) out.json({ error: { code: known ? error.code : usage ? 'USAGE' : 'INTERNAL', message: messageOf(error) } })
  return usage ? EXIT.usage : EXIT.failed
}
