import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { cli, folderWith } from './cli.js'
import { noise, shifted } from './data.js'

const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 40, shift: 1 }),
  'test.json': shifted({ from: 40, to: 60, shift: 1 }),
  'noise.json': noise(40, 40, 3),
})
const COMMON = ['--base', 'hashing', 'sweep', '--base', 'hashing', '--dimensions', '48', '--cache', 'none', '--engine', 'js']
const SWEEP = [...COMMON, '--train', 'train.json', '--grid', 'pull=3,1000', '--grid', 'epochs=6', '--grid', 'scale=8']

describe.concurrent('sweep', () => {
  test('says what it will do, prints a sorted table with the base, and keeps the best', async () => {
    const { code, stdout, stderr } = await cli([...SWEEP, '--test', 'test.json', '--out', 'a.json', '--verbose'], {
      cwd,
    })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^2 runs of 5 folds on 80 queries and 80 documents, about \d+[hms]/m)
    expect(stderr).toMatch(/^run 1 of 2: pull 3, epochs 6, scale 8: ndcg@10 0\.\d{4}, \d+\.\d s$/m)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^options +ndcg@10 +difference +95% CI +p-value \(Holm\) +seconds$/)
    expect(lines[1]).toMatch(/^pull 3, epochs 6, scale 8 +0\.\d{4} +\+0\.\d{4} +\+0\.\d{4} to \+0\.\d{4} +<?0\.\d{3} +\d+\.\d$/)
    expect(lines[2]).toMatch(/^pull 1000, /)
    expect(lines[3]).toMatch(/^base +0\.\d{4}$/)
    expect(stdout).toMatch(/\ngate +passed: .*, significant\n/)
    expect(stdout).toMatch(/\nthe best on the test set\n\nmetric/)
    expect(loadAdapter(join(cwd, 'a.json')).training.options).toMatchObject({ pull: 3, epochs: 6, tune: 'sweep' })
  })

  test('ends with exit code 3 where the best is not significant, and writes it beside --out; --json has all of it', async () => {
    const args = [...COMMON, '--train', 'noise.json', '--grid', 'pull=1,30', '--grid', 'scale=8', '--grid', 'epochs=3']
    const { code, stdout } = await cli([...args, '--out', 'n.json', '--json', '--quiet'], { cwd })
    expect(code).toBe(3)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      adapter: null,
      rejected: 'n.rejected.json',
      gate: { kept: false },
      sweep: { runs: 2, folds: 5, metric: 'ndcg@10', lines: [{ difference: { holm: expect.any(Number) } }, {}] },
    })
    expect(existsSync(join(cwd, 'n.json'))).toBe(false)
    expect(loadAdapter(join(cwd, 'n.rejected.json')).training.options).toMatchObject({ tune: 'sweep' })
  })

  test.each<[string[], RegExp]>([
    [['--grid', 'pul=1'], /--grid knows no "pul" \(did you mean pull\?\)/],
    [['--grid', 'pull=1,2,3', '--max-runs', '2'], /the grid has 3 combinations, more than 2.*--max-runs 3/],
    [[], /missing option --grid/],
    [['--grid', 'pull=1', '--base', 'vectors'], /--dimensions has no effect with --base vectors/],
    [['--grid', 'pull=1', '--vectors', 'v'], /--vectors goes with --base vectors/],
  ])('%j is wrong usage, found before anything is read', async (args, message) => {
    const { code, stderr } = await cli([...COMMON, ...args, '--out', 'x.json'], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(existsSync(join(cwd, 'x.json'))).toBe(false)
  })
})
