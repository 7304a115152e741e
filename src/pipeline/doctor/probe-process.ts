import { messageOf } from '../../errors.js'
import type { Answer } from './isolate.js'
import { PROBES } from './probes.js'

/** The program of `isolate`'s processes: runs the probe that its first argument names, and sends the answer. */
const [name, argument] = process.argv.slice(2)
const probe: (argument: string) => Promise<unknown> = PROBES[name as keyof typeof PROBES]

const send = (answer: Answer<unknown>): unknown => process.send?.(answer)
const fail = (error: unknown): unknown => send({ problem: oneLine(messageOf(error)) })

// Such as an error in a callback of a native package.
process.on('uncaughtException', fail)
await probe(argument).then(value => send({ value }), fail)

/** Without the list of places in which a module was looked for. */
function oneLine(message: string): string {
  return message
    .replace(/\s*(Tried:|Require stack:).*/s, '')
    .replace(/\s+/g, ' ')
    .replace(/[. ]+$/, '')
}
