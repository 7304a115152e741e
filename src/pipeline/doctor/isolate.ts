import { fork } from 'node:child_process'
import { messageOf } from '../../errors.js'
import type { PROBES } from './probes.js'

/** TensorFlow's first start on a GPU takes several seconds; nothing else takes one. */
const LIMIT_SECONDS = 15

/** Result of a probe, or why there is none. */
export type Answer<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string }

type Probes = typeof PROBES

/** Runs a probe in a process of its own; a crash, a hang and an error of the probe are its problem, one line each. */
export function isolate<Name extends keyof Probes>(
  name: Name,
  ...args: Parameters<Probes[Name]>
): Promise<Answer<Awaited<ReturnType<Probes[Name]>>>> {
  return new Promise(resolve => {
    const child = fork(new URL('./probe-process.js', import.meta.url), [name, ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // TensorFlow would take the whole memory of the GPU, which other probes use at the same time.
      env: { TF_FORCE_GPU_ALLOW_GROWTH: 'true', ...process.env },
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', chunk => {
      stderr += chunk
    })
    const end = (answer: Answer<never>): void => {
      clearTimeout(timer)
      // A driver may keep its process from ending.
      child.kill('SIGKILL')
      child.unref()
      child.stderr?.destroy()
      if (child.connected) child.disconnect()
      resolve(answer)
    }
    const timer = setTimeout(() => end({ problem: `no answer within ${LIMIT_SECONDS} seconds` }), LIMIT_SECONDS * 1000)
    child.on('message', answer => end(answer as Answer<never>))
    child.on('error', error => end({ problem: messageOf(error) }))
    child.on('close', (code, signal) => {
      const said = stderr.split('\n').find(line => /error|fatal|fail|assert/i.test(line))
      end({ problem: `it crashed (${signal ?? `exit code ${code}`})${said ? `: ${said.trim()}` : ''}` })
    })
  })
}
