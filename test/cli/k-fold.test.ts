import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadAdapter } from '../../src/adapters/file.js'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 40, shift: 1 }),
  'test.json': shifted({ from: 40, to: 50, shift: 1 }),
})
const COMMON = ['--base', 'hashing', '--dimensions', '48', '--cache', 'none', '--train', 'train.json', '--engine', 'js']
const OFF = [...COMMON, '--tune', 'off', '--epochs', '2']

describe.concurrent('--k-fold', () => {
  test('trains on everything and reports the folds, in JSON, in the adapter file, and in words', async () => {
    const report = await cliJson([...OFF, '--k-fold', '4', '--split-by', 'document', '--out', 'a.json'], { cwd })
    expect(report).toMatchObject({
      data: { train: { queries: 80 } },
      metrics: { split: 'k-fold' },
      kFold: { folds: 4, by: 'document', queries: 80 },
      unseen: { queries: 80 },
    })
    expect(report.data).not.toHaveProperty('test')
    expect(report.data).not.toHaveProperty('validation')
    expect(loadAdapter(join(cwd, 'a.json')).training).toMatchObject({
      options: { kFold: 4, splitBy: 'document' },
      metrics: report.metrics,
    })

    const { code, stdout, stderr } = await cli([...OFF, '--k-fold', '3', '--test', 'test.json', '--out', 'b.json'], {
      cwd,
    })
    expect(code).toBe(0)
    for (const number of [1, 2, 3])
      expect(stderr).toMatch(new RegExp(`^fold ${number} of 3: ndcg@10 0\\.\\d+ -> 0\\.\\d+ on \\d+ queries$`, 'm'))
    expect(stdout).toMatch(/\n3 folds, 80 held-out queries\n\nmetric/)
    expect(stdout).toMatch(/\ntest set, 20 queries\n\nmetric/)
  })

  test.each<[string[], number, RegExp]>([
    [['--k-fold', '1'], 2, /--k-fold must be a whole number of at least 2/],
    [['--k-fold', '100'], 1, /cannot make 100 folds of 80 queries/],
  ])('%j is refused before an adapter is written', async (args, code, message) => {
    const result = await cli([...OFF, ...args, '--out', 'c.json'], { cwd })
    expect(result).toMatchObject({ code, stderr: expect.stringMatching(message) })
  })
})
