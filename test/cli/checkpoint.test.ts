import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { cli, folderWith, startCli } from './cli.js'
import { shifted } from './data.js'

const TRAIN = shifted({ from: 0, to: 60, shift: 1 })
const COMMON = [
  '--base',
  'hashing',
  '--verbose',
  '--train',
  'train.json',
  '--dimensions',
  '192',
  '--cache',
  'none',
  '--out',
  'a.json',
]
const OFF = [...COMMON, '--tune', 'off', '--epochs', '12', '--batch-size', '8', '--patience', '0']
const AUTO = [...COMMON, '--tune-budget', '600', '--negatives', 'positives', '--scale', '8', '--epochs', '12']
const KEPT = ['--checkpoint', 'run/c.bin']

/** The adapter file without its date. */
function adapterIn(cwd: string): object {
  const { training, ...rest } = JSON.parse(readFileSync(join(cwd, 'a.json'), 'utf8'))
  return { ...rest, training: { ...training, date: undefined } }
}

/** Starts a run and ends it once a line of stderr tells that it is so far. */
async function stopAt(args: readonly string[], cwd: string, line: string, signal: NodeJS.Signals) {
  const { child, ended } = startCli(args, { cwd })
  let stderr = ''
  child.stderr!.on('data', chunk => {
    stderr += chunk
  })
  while (!stderr.includes(line) && child.exitCode === null) await sleep(2)
  child.kill(signal)
  return ended
}

describe.concurrent('--checkpoint', () => {
  let off: object
  let auto: object
  beforeAll(async () => {
    ;[off, auto] = await Promise.all(
      [OFF, AUTO].map(async args => {
        const cwd = folderWith({ 'train.json': TRAIN })
        expect((await cli(args, { cwd })).code).toBe(0)
        return adapterIn(cwd)
      }),
    )
  })

  test.each<[string, string[], string]>([
    ['after the first epoch', OFF, 'epoch 1/'],
    ['in the middle', OFF, 'epoch 6/'],
    ['near the end', OFF, 'epoch 9/'],
    ['while options are chosen', AUTO, 'tried '],
    ['after the choice of options', AUTO, 'epoch 3'],
  ])('killed by SIGKILL %s, a run goes on to the same file, and the checkpoint goes', async (_, args, line) => {
    const cwd = folderWith({ 'train.json': TRAIN })
    expect(await stopAt([...args, ...KEPT], cwd, line, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    const { code, stderr } = await cli([...args, ...KEPT], { cwd })
    expect(code).toBe(0)
    if (line.startsWith('epoch')) {
      const [, resumed] = /^resuming from run\/c\.bin after epoch (\d+)$/m.exec(stderr)!
      expect(Number(resumed)).toBeGreaterThanOrEqual(Number(/\d+/.exec(line)))
      expect(stderr).not.toMatch(new RegExp(`^epoch ${resumed}\\b`, 'm'))
      expect(stderr).not.toContain('tried ')
    }
    expect(adapterIn(cwd)).toEqual(args === OFF ? off : auto)
    expect(existsSync(join(cwd, 'run/c.bin'))).toBe(false)
  })

  test('after Ctrl-C the exit code is 130, the checkpoint is whole, another run is refused, and the same one goes on', async () => {
    const cwd = folderWith({ 'train.json': TRAIN })
    const logged = ['--log', 'log/train.jsonl']
    const stopped = await stopAt([...OFF, ...KEPT, ...logged], cwd, 'epoch 3/', 'SIGINT')
    expect(stopped).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('was stopped') })
    expect(readdirSync(join(cwd, 'run'))).toEqual(['c.bin'])

    const other = await cli([...OFF, ...KEPT, '--lr', '0.01'], { cwd })
    expect(other).toMatchObject({ code: 2 })
    expect(other.stderr).toMatch(
      /^error: cannot resume from run\/c\.bin: written by another run, learningRate is 0\.01, but was not set\. Delete the file/m,
    )
    // A line that a crash has cut off spoils no other.
    const log = join(cwd, 'log/train.jsonl')
    writeFileSync(log, `${readFileSync(log, 'utf8')}{"event":"epo`)
    expect((await cli([...OFF, ...KEPT, ...logged], { cwd })).code).toBe(0)
    expect(adapterIn(cwd)).toEqual(off)

    const text = readFileSync(log, 'utf8')
    const lines = text.split('\n').filter(line => line !== '' && line !== '{"event":"epo')
    const events = lines.map(line => JSON.parse(line))
    const of = (name: string) => events.filter(({ event }) => event === name)
    expect(of('start')).toHaveLength(2)
    expect(of('start')[0]).toMatchObject({
      data: expect.stringMatching(/^[0-9a-f]{64}$/),
      release: expect.any(String),
      node: process.version,
      tune: 'off',
      epochs: 12,
      dimensions: 192,
    })
    expect(of('epoch').map(({ epoch }) => epoch)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(of('epoch')[0]).toMatchObject({
      loss: expect.any(Number),
      metric: expect.any(Number),
      seconds: expect.any(Number),
      learningRate: expect.any(Number),
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    expect(of('end')).toMatchObject([{ error: 'ABORTED' }, { metrics: { split: 'test' }, bestEpoch: expect.any(Number) }])
    for (const query of Object.values(TRAIN.queries)) expect(text).not.toContain(query)
  })

  test.each<[string[], number, RegExp]>([
    [['--checkpoint', 'a.json'], 2, /--checkpoint a\.json would overwrite a\.json/],
    [['--log', 'train.json'], 2, /--log train\.json would overwrite train\.json/],
    [['--checkpoint', 'x', '--log', 'x'], 2, /--checkpoint x would overwrite x/],
    [['--checkpoint', 'other.txt'], 1, /cannot resume from other\.txt: not a checkpoint.*Delete the file/],
  ])('%j is refused, and nothing is overwritten', async (args, code, message) => {
    const cwd = folderWith({ 'train.json': TRAIN, 'other.txt': 'mine' })
    expect(await cli([...OFF, ...args], { cwd })).toMatchObject({ code, stderr: expect.stringMatching(message) })
    expect(readFileSync(join(cwd, 'other.txt'), 'utf8')).toBe('mine')
  })
})
