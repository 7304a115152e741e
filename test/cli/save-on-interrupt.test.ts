import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { cli, folderWith, llamaIndex, startCli } from './cli.js'

const TRAIN = [
  ...[
    '--base',
    'hashing',
    '--train',
    'd.json',
    '--dimensions',
    '128',
    '--tune',
    'off',
    '--patience',
    '0',
    '--cache',
    'none',
    '--verbose',
  ],
  ...['--epochs', '100000', '--out', 'a.json'],
]

/** Starts training and sends signals once a line of stderr tells that it is so far. */
async function stopAt(args: readonly string[], cwd: string, line: string, signals = 1) {
  const { child, ended } = startCli(args, { cwd })
  let stderr = ''
  child.stderr!.on('data', chunk => {
    stderr += chunk
  })
  while (!stderr.includes(line) && child.exitCode === null) await sleep(2)
  for (let i = 0; i < signals; i++) {
    child.kill('SIGINT')
    await sleep(0)
  }
  return ended
}

const interrupted = (cwd: string) => JSON.parse(readFileSync(join(cwd, 'a.json'), 'utf8'))

describe.concurrent('--save-on-interrupt', () => {
  test('Ctrl-C in training writes the best adapter so far, marked, with exit code 130', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(40) })
    const { code, stdout, stderr } = await stopAt([...TRAIN, '--save-on-interrupt'], cwd, 'epoch 3/')
    expect(code).toBe(130)
    const { training } = interrupted(cwd)
    const { afterEpoch } = training.interrupted
    expect(training.interrupted).toEqual({ afterEpoch: expect.any(Number), epochs: 100_000 })
    expect(afterEpoch).toBeGreaterThanOrEqual(3)
    expect(training.options.bestEpoch).toBeLessThanOrEqual(afterEpoch)
    expect(training.options.epochsRun).toBe(afterEpoch)
    expect(training.metrics).toEqual({})
    expect(training.gate).toMatchObject({ passed: false, reason: expect.stringMatching(/interrupted after epoch \d+/) })
    expect(stdout).toMatch(/^stopped +after epoch \d+ of 100000: not measured, not gated$/m)
    expect(stdout).toMatch(/^adapter +a\.json$/m)
    expect(stderr).toMatch(/^warning: stopping; press Ctrl-C again to stop at once$/m)
    expect(stderr).toMatch(/\nnext\n {2}adapter-train evaluate .*--adapter a\.json /)
    expect(readdirSync(cwd).sort()).toEqual(['a.json', 'd.json'])

    const { params } = loadAdapter(join(cwd, 'a.json'))
    const diagonal = Array.from({ length: 128 }, (_, i) => params.W.data[129 * i])
    if (training.options.bestEpoch > 0) expect(diagonal.some(value => value !== 1)).toBe(true)
    const measured = await cli(
      ['evaluate', '--base', 'hashing', '--data', 'd.json', '--dimensions', '128', '--adapter', 'a.json'],
      { cwd },
    )
    expect(measured.code).toBe(0)
  })

  test('with --json the one object says how far it was, and the checkpoint stays for a run that goes on', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(40) })
    const args = [...TRAIN, '--save-on-interrupt', '--checkpoint', 'c.bin', '--json']
    const { code, stdout } = await stopAt(args, cwd, 'epoch 3/')
    expect(code).toBe(130)
    const { interrupted: found, metrics, adapter } = JSON.parse(stdout)
    expect({ metrics, adapter }).toEqual({ metrics: undefined, adapter: 'a.json' })
    expect(existsSync(join(cwd, 'c.bin'))).toBe(true)
    const resumed = await stopAt(args, cwd, 'resuming from')
    expect(resumed.stderr).toMatch(new RegExp(`resuming from c\\.bin after epoch ${found.afterEpoch}$`, 'm'))
  })

  test('a second Ctrl-C ends at once, and leaves a whole file or none', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(40) })
    const { code } = await stopAt([...TRAIN, '--save-on-interrupt'], cwd, 'epoch 3/', 2)
    expect(code).toBe(130)
    const left = readdirSync(cwd).filter(name => name !== 'd.json')
    expect(['', 'a.json']).toContain(left.join())
    if (left.length > 0) loadAdapter(join(cwd, 'a.json'))
  })

  test('without it nothing is written', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(40) })
    const { code, stdout } = await stopAt(TRAIN, cwd, 'epoch 3/')
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(readdirSync(cwd)).toEqual(['d.json'])
  })
})
