import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AdapterTrainError, isAdapterTrainError } from '../../errors.js'

/** Seconds in which an answer has to come where nobody types it. */
const PIPE_PATIENCE = 5

/** Something that is asked. */
export interface Question<T> {
  readonly text: string
  /** What an empty answer means; shown in brackets. */
  readonly fallback?: string
  /** Turns an answer into a value. @throws AdapterTrainError when it cannot be one: it is shown, and the question asked again */
  read(answer: string): T | Promise<T>
}

/** Asks on stderr and reads answers from stdin, typed or piped, a line each. */
export interface Prompter {
  ask<T>(question: Question<T>): Promise<T>
  say(text: string): void
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  close(): void
}

/**
 * Opens stdin for answers.
 *
 * @param missing says what to give instead, for the error where there is nobody to answer
 */
export function openPrompter(missing: () => string): Prompter {
  const { stdin, stderr } = process
  const abort = new AbortController()
  const lines: string[] = []
  let ended = false
  let answers = 0
  let wake: (() => void) | undefined
  const rl = createInterface({ input: stdin, output: stdin.isTTY ? stderr : undefined })
  const stop = (): void => {
    abort.abort()
    rl.close()
  }
  rl.on('line', line => {
    lines.push(line)
    wake?.()
  })
  rl.on('close', () => {
    ended = true
    wake?.()
  })
  rl.on('SIGINT', stop)
  process.on('SIGINT', stop)

  async function nextLine(): Promise<string> {
    const patience = new AbortController()
    const arrived = new Promise<void>(resolve => {
      wake = resolve
      if (lines.length > 0 || ended) resolve()
    })
    // A pipe that nobody writes to would be waited for in vain.
    const waits = stdin.isTTY
      ? []
      : [sleep(PIPE_PATIENCE * 1000, undefined, { signal: patience.signal }).catch(() => {})]
    await Promise.race([arrived, ...waits])
    patience.abort()
    wake = undefined
    const line = abort.signal.aborted ? undefined : lines.shift()
    if (line !== undefined) {
      answers++
      return line.trim()
    }
    stderr.write('\n') // Ends the line of the question.
    if (answers === 0 && !abort.signal.aborted && !stdin.isTTY) throw new AdapterTrainError('USAGE', missing())
    const why = abort.signal.aborted || ended ? '' : ` (no answer came within ${PIPE_PATIENCE} s)`
    throw new AdapterTrainError('ABORTED', `stopped before all questions were answered${why}; nothing was written`)
  }

  return {
    signal: abort.signal,
    say: text => void stderr.write(`${text}\n`),
    async ask({ text, fallback, read }) {
      for (;;) {
        const prompt = `${text}${fallback === undefined ? '' : ` [${fallback}]`}: `
        if (stdin.isTTY) {
          rl.setPrompt(prompt)
          rl.prompt()
        } else stderr.write(prompt)
        const answer = await nextLine()
        if (!stdin.isTTY) stderr.write(`${answer}\n`)
        try {
          if (answer === '' && fallback === undefined) throw new AdapterTrainError('USAGE', 'an answer is needed here')
          return await read(answer === '' ? fallback! : answer)
        } catch (error) {
          if (!isAdapterTrainError(error) || error.code === 'ABORTED') throw error
          stderr.write(`  ${error.message.replaceAll('\n', '\n  ')}\n`)
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

/** A question with yes or no for an answer. */
export function yesNo(text: string, fallback: boolean): Question<boolean> {
  return {
    text: `${text} (y/n)`,
    fallback: fallback ? 'y' : 'n',
    read(answer) {
      if (/^(y|yes)$/i.test(answer)) return true
      if (/^(n|no)$/i.test(answer)) return false
      throw new AdapterTrainError('USAGE', `expected y or n, found "${answer}"`)
    },
  }
}

/** A question with one of some names for an answer, or its number. */
export function oneOf<T extends string>(text: string, names: readonly T[], fallback: T): Question<T> {
  return {
    text,
    fallback,
    read(answer) {
      const name = names.find(known => known === answer.toLowerCase()) ?? names[Number(answer) - 1]
      if (name !== undefined) return name
      throw new AdapterTrainError('USAGE', `expected one of ${names.join(', ')}, or its number; found "${answer}"`)
    },
  }
}
