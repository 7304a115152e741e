import { isAdapterTrainError, messageOf, usageError } from '../errors.js'
import { VERSION } from '../version.js'
import { nameOptions, withoutPasswords } from '../words.js'
import { EXIT } from './command.js'
import { COMMAND_OPTIONS, DEFAULT_COMMAND } from './commands/index.js'
import { findCommand } from './find-command.js'
import { helpText } from './help.js'
import { Estimated } from './options/cost-options.js'
import type { Console, ConsoleOptions } from './output/console.js'
import { styleFor } from './output/style.js'

/** Codes of errors caused by the command line itself. */
const USAGE_CODES = ['USAGE', 'PROVIDER_UNKNOWN', 'ENGINE_UNKNOWN']

/** Options of the library, as the command line names them in messages. */
const OPTION_WORDS = {
  timeoutMs: '--timeout',
  maxInputs: '--batch-inputs',
  concurrency: '--concurrency',
  skipRefused: '--skip-refused',
  'skipInvalid: true': '--skip-invalid',
  "--split (split: 'test')": '--split',
  '--max-document-bytes (maxBytes)': '--max-document-bytes',
  '{ allowMismatch: true } in code, --allow-mismatch on the command line': '--allow-mismatch',
  batchApi: '--batch-api',
  baseUrl: '--base-url',
  model: '--model',
  // A key on the command line would be seen by every user of the machine.
  apiKey: '',
}

/**
 * Runs one command line.
 *
 * Results go to stdout, everything else to stderr. With `--json` stdout is exactly one JSON object, on failure `{"error": {"code",
 * "message"}}`.
 */
export async function runCli(words: readonly string[]): Promise<number> {
  nameOptions(OPTION_WORDS)
  if (words[0] === 'completion' && words[1] === '--words') {
    const { completeWords } = await import('./complete-words.js')
    process.stdout.write(`${completeWords(words.slice(2)).join('\n')}\n`)
    return EXIT.done
  }
  const { command, args } = findCommand(words[0] === 'help' ? [...words.slice(1), '--help'] : words, COMMAND_OPTIONS)
  const asked = args.find(word => ['--help', '-h', '--version', '-v'].includes(word))
  const color = switchIn(args, 'color')
  if (asked !== undefined) {
    const width = Math.min(120, Math.max(60, process.stdout.columns ?? 100))
    process.stdout.write(`${/v/.test(asked) ? VERSION : helpText(command, width, styleFor(process.stdout, color))}\n`)
    return EXIT.done
  }
  const name = command ?? DEFAULT_COMMAND
  const wish = switchIn(args, 'json')
  let json = wish === true
  try {
    const { readConfigFile } = await import('./config-file.js')
    const { parseArgs } = await import('./parse-args.js')
    const parsed = await parseArgs(args, command, path => {
      const values = readConfigFile(path, name, COMMAND_OPTIONS)
      if (wish === undefined) json = values.json === true
      return values
    })
    const { quiet, verbose } = parsed as ConsoleOptions
    if (quiet && verbose) throw usageError('--quiet and --verbose cannot be combined; drop one')
    const { ACTIONS } = await import('./actions/index.js')
    const action = await ACTIONS[name]()
    return (await action(parsed as never)) ?? EXIT.done
  } catch (error) {
    const { createConsole } = await import('./output/console.js')
    return reportEnd(error, createConsole({ json, color }))
  }
}

/** Reads a switch before the options are parsed, as they may be wrong. The last one counts. */
function switchIn(args: readonly string[], name: string): boolean | undefined {
  const word = args.findLast(word => new RegExp(`^--(no-)?${name}(=|$)`).test(word))
  return word === undefined ? undefined : word === `--${name}` || word === `--${name}=true`
}

/** Reports why a command ended before its result: at its estimate, with batches pending (`--no-wait`), or with an error. */
function reportEnd(error: unknown, out: Console): number {
  if (error instanceof Estimated) {
    out.json(error.plan)
    return EXIT.done
  }
  if (isAdapterTrainError(error, 'BATCH_PENDING')) {
    const { batches, requests } = error.details
    out.json({ pending: { batches, requests } })
    out.result(error.message)
    return EXIT.done
  }
  const known = isAdapterTrainError(error)
  const message = withoutPasswords(messageOf(error))
  out.error(message)
  if (!known && error instanceof Error && error.stack) out.error(error.stack.split('\n').slice(1).join('\n'))
  // Findings before the failure, such as damaged vectors, belong to the object too.
  const report = known ? (error.details.report as object | undefined) : undefined
  out.json({ ...report, error: { code: known ? error.code : 'INTERNAL', message } })
  if (isAdapterTrainError(error, 'ABORTED')) return EXIT.interrupted
  return known && USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed
}
