import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

test('drift reports unfamiliar queries, exits 4 above the bound, and needs a sketch', async () => {
  const data = llamaIndex(60)
  const cwd = folderWith({
    'a.json': data,
    'same.jsonl': Object.values(data.queries)
      .map(query => JSON.stringify({ query }))
      .join('\n'),
    'counted.jsonl': [
      { query: Object.values(data.queries)[3], count: 10 },
      { query: 'zyx qqq vvv', count: 90 },
    ]
      .map(entry => JSON.stringify(entry))
      .join('\n'),
    'other.txt': Array.from({ length: 40 }, (_, i) => `zyx ${i} qqq vvv ${i * 7}`).join('\n'),
  })
  const make = ['train', '--train', 'a.json', '--base', 'hashing', '--dimensions', '128', '--tune', 'off', '--epochs', '1']
  await cliJson([...make, '--cache', 'none', '--out', 'x.json'], { cwd })
  const file = readFileSync(join(cwd, 'x.json'), 'utf8')
  expect(JSON.parse(file).training.topScore.base).toMatchObject({ p50: expect.any(Number) })
  for (const query of Object.values(data.queries)) expect(file).not.toContain(query)
  const args = ['drift', '--adapter', 'x.json', '--cache', 'none']
  const same = await cliJson<Record<string, number>>([...args, '--queries', 'same.jsonl'], { cwd })
  expect(same).toMatchObject({ queries: 60, training: 0.05, passed: true })
  expect(same.share).toBeLessThan(0.3)
  const other = await cli([...args, '--queries', 'other.txt', '--max-unfamiliar', '0.5'], { cwd })
  expect(other).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/^\d+\.\d% of 40 queries are unfamiliar \(95% CI .*\); in training 5\.0%\n$/),
  })
  expect(other.stderr).toContain('error: unfamiliar queries: expected at most 50.0%, found ')
  const shared = await cliJson<Record<string, number>>([...args, '--queries', 'a.json'], { cwd })
  expect(shared).toEqual(same)
  const counted = await cliJson<Record<string, number>>([...args, '--queries', 'counted.jsonl'], { cwd })
  expect(counted).toMatchObject({ queries: 100, share: 0.9 })
  const old = JSON.parse(file)
  delete old.training.familiarity
  const without = folderWith({ 'x.json': old, 'q.txt': 'a' })
  const { code, stderr } = await cli([...args, '--queries', 'q.txt'], { cwd: without })
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('expected a sketch of its training queries'),
  })
  for (const dimensions of ['64', '256']) {
    const other = await cli([...args, '--queries', 'a.json', '--base', 'hashing', '--dimensions', dimensions], { cwd })
    expect(other).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: the adapter was trained on "hash/),
    })
    const allowed = await cli(
      [...args, '--queries', 'a.json', '--base', 'hashing', '--dimensions', dimensions, '--allow-mismatch'],
      { cwd },
    )
    expect(allowed.stderr).toMatch(
      new RegExp(`\nerror: the query has ${dimensions} dimensions, but the adapter was trained for 128;.*\n$`),
    )
  }
})
