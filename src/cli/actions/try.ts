import { createInterface } from 'node:readline'
import { isAdapterTrainError } from '../../errors.js'
import type { TryArgs } from '../commands/try.js'
import { EXIT } from '../exit-codes.js'
import { createConsole } from '../output/console.js'
import { explanationText } from '../output/explanation-text.js'
import { withExplainer } from '../with-explainer.js'

/**
 * Prints the rankings of every line of stdin, up to an empty one.
 * @returns the exit code: failed where a query failed; the others are answered all the same
 */
export async function tryQueries(args: TryArgs): Promise<number | undefined> {
  const out = createConsole(args)
  let failed = false
  await withExplainer(args, out, async (ask, { release }) => {
    release()
    const { stdin, stderr } = process
    const lines = createInterface({ input: stdin, output: stdin.isTTY ? stderr : undefined, prompt: 'query> ' })
    lines.on('SIGINT', () => lines.close())
    try {
      if (stdin.isTTY) lines.prompt()
      for await (const line of lines) {
        if (line.trim() === '') break
        try {
          out.result(`${explanationText(await ask(line, args.top))}\n`)
        } catch (error) {
          if (!isAdapterTrainError(error)) throw error
          out.error(error.message)
          failed = true
        }
        if (stdin.isTTY) lines.prompt()
      }
    } finally {
      lines.close()
    }
  })
  return failed ? EXIT.failed : undefined
}
