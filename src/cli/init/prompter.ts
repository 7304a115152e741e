import { on } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AdapterTrainError, isAdapterTrainError, usageError } from '../../errors.js'
import { printable, printableMarked } from '../../words.js'

/** Seconds to wait for an answer that is not typed. */
const PIPE_PATIENCE = 5

export interface Question<T> {
  readonly text: string
  /** Value of an empty answer, shown in brackets. */
  readonly fallback?: string
  /** Turns an answer into a value. @throws AdapterTrainError when it is not one: the message is shown and the question repeated */
  read(answer: string): T | Promise<T>
}

/** Prompter that asks on stderr and reads answers from stdin, typed or piped, one per line. */
export type Prompter = ReturnType<typeof openPrompter>

/** Opens stdin for answers. `missing`: message of the error if nobody answers. */
export function openPrompter(missing: () => string) {
  const { stdin, stderr } = process
  const abort = new AbortController()
  let answers = 0
  const rl = createInterface({ input: stdin, output: stdin.isTTY ? stderr : undefined })
  const stop = (): void => {
    abort.abort()
    rl.close()
  }
  const lines = on(rl, 'line', { close: ['close'] })
  rl.on('SIGINT', stop)
  process.on('SIGINT', stop)

  async function nextLine(): Promise<string> {
    const patience = new AbortController()
    // Nobody may ever write to a pipe.
    const { signal } = patience
    const waits = stdin.isTTY ? [] : [sleep(PIPE_PATIENCE * 1000, undefined, { signal }).catch(() => {})]
    const next = await Promise.race([lines.next(), ...waits])
    patience.abort()
    if (next && !next.done && !abort.signal.aborted) {
      answers++
      return String(next.value[0]).trim()
    }
    stderr.write('\n') // Ends the line of the question.
    if (answers === 0 && !abort.signal.aborted && !stdin.isTTY) throw usageError(missing())
    const why = abort.signal.aborted || next?.done ? '' : ` (no answer came within ${PIPE_PATIENCE} s)`
    throw new AdapterTrainError('ABORTED', `stopped before all questions were answered${why}; nothing was written`)
  }

  return {
    /** Aborted by Ctrl-C. */
    signal: abort.signal as AbortSignal,
    say: (text: string) => void stderr.write(`${printableMarked(text)}\n`),
    async ask<T>({ text, fallback, read }: Question<T>): Promise<T> {
      for (;;) {
        const prompt = printableMarked(`${text}${fallback === undefined ? '' : ` [${fallback}]`}: `)
        if (stdin.isTTY) {
          rl.setPrompt(prompt)
          rl.prompt()
        } else stderr.write(prompt)
        const answer = await nextLine()
        if (!stdin.isTTY) stderr.write(`${answer}\n`)
        try {
          if (answer === '' && fallback === undefined) throw usageError('an answer is needed here')
          return await read(answer === '' ? fallback! : answer)
        } catch (error) {
          if (!isAdapterTrainError(error) || error.code === 'ABORTED') throw error
          stderr.write(`  ${printable(error.message).replaceAll('\n', '\n  ')}\n`)
        }
      }
    },
    close() {
      process.off('SIGINT', stop)
      rl.close()
      stdin.unref?.()
    },
  }
}

export function yesNo(text: string, fallback: boolean): Question<boolean> {
  return {
    text: `${text} (y/n)`,
    fallback: fallback ? 'y' : 'n',
    read(answer) {
      if (/^(y|yes)$/i.test(answer)) return true
      if (/^(n|no)$/i.test(answer)) return false
      throw usageError(`expected y or n, found "${answer}"`)
    },
  }
}

/** Builds a question answered by a name or its number. */
export function oneOf<T extends string>(text: string, names: readonly T[], fallback: T): Question<T> {
  return {
    text,
    fallback,
    read(answer) {
      const name = names.find(known => known === answer.toLowerCase()) ?? names[Number(answer) - 1]
      if (name !== undefined) return name
      throw usageError(`expected one of ${names.join(', ')}, or its number; found "${answer}"`)
    },
  }
}
